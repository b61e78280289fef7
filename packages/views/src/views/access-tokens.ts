import type { Digest, TokenId } from '@artifact-store/core'
import type { ViewsDatabase } from '../database.ts'
import { asc, eq, gt, jsonb, sql, text } from '../drizzle.ts'
import { preparedQuery } from '../prepared.ts'
import { moment, viewsSchema, whole } from '../schema.ts'
import { bySubject, defineView } from '../view.ts'

export type Scope = 'read' | 'write' | 'admin'

export const accessTokens = viewsSchema.table('access_tokens', {
  tokenId: text('token_id').$type<TokenId>().primaryKey(),
  secretDigest: text('secret_digest').$type<Digest>().notNull(),
  actor: text('actor').notNull(),
  scopes: jsonb('scopes').$type<readonly Scope[]>().notNull(),
  description: text('description'),
  revision: whole('revision').notNull(),
  issuedAt: moment('issued_at').notNull(),
  issuedBy: text('issued_by').notNull(),
  expiresAt: moment('expires_at'),
  revokedAt: moment('revoked_at'),
})

export type AccessTokenRow = typeof accessTokens.$inferSelect

/** Who may do what: the digest of every token's secret, never the secret. */
export const accessTokensView = defineView(accessTokens, {
  'v1.token.issued': {
    apply: (event, rows) =>
      rows.put({
        tokenId: event.subjectId as TokenId,
        secretDigest: event.payload.secretDigest,
        actor: event.payload.actor,
        scopes: event.payload.scopes,
        description: event.payload.description ?? null,
        revision: event.subjectRevision,
        issuedAt: event.createdAt,
        issuedBy: event.actor,
        expiresAt: event.payload.expiresAt === undefined ? null : new Date(event.payload.expiresAt),
        revokedAt: null,
      }),
  },
  'v1.token.revoked': {
    reads: bySubject,
    apply: (event, rows) => {
      const row = rows.get(event.subjectId)
      if (row) rows.put({ ...row, revision: event.subjectRevision, revokedAt: event.createdAt })
    },
  },
})

const tokensBySecrets = preparedQuery(db =>
  db
    .select()
    .from(accessTokens)
    .where(sql`${accessTokens.secretDigest} = any(${sql.placeholder('digests')}::text[])`)
    .prepare('views-tokens-by-secrets'),
)

/** Those tokens that have one of the secrets. */
export function findTokensBySecrets(db: ViewsDatabase, digests: readonly Digest[]): Promise<AccessTokenRow[]> {
  return tokensBySecrets(db, { digests })
}

export async function findToken(db: ViewsDatabase, id: TokenId): Promise<AccessTokenRow | undefined> {
  const [row] = await db.select().from(accessTokens).where(eq(accessTokens.tokenId, id))
  return row
}

export function listTokens(db: ViewsDatabase, page: { after?: string | undefined; limit: number }): Promise<AccessTokenRow[]> {
  return db
    .select()
    .from(accessTokens)
    .where(page.after === undefined ? undefined : gt(accessTokens.tokenId, page.after as TokenId))
    .orderBy(asc(accessTokens.tokenId))
    .limit(page.limit)
}
