import { type AnyDigest, type Digest, isBlake3, type KnownEvent, type Sha256Digest } from '@artifact-store/core'
import { isAnyOf } from '../any-of.ts'
import type { ViewsDatabase } from '../database.ts'
import { asc, gt, or, sql, text } from '../drizzle.ts'
import { preparedQuery } from '../prepared.ts'
import { moment, viewsSchema, whole } from '../schema.ts'
import { bySubject, defineView, type Rows } from '../view.ts'

export const blobs = viewsSchema.table('blobs', {
  digest: text('digest').$type<Digest>().primaryKey(),
  sha256: text('sha256').$type<Sha256Digest>().notNull(),
  size: whole('size').notNull(),
  state: text('state').$type<'stored' | 'trashed' | 'purged'>().notNull(),
  revision: whole('revision').notNull(),
  storedAt: moment('stored_at').notNull(),
  checkedAt: moment('checked_at'),
  fixity: text('fixity').$type<'unchecked' | 'intact' | 'failed'>().notNull(),
})

export type BlobRow = typeof blobs.$inferSelect

/** Every blob whose bytes the log has spoken of, and what is known of them. */
export const blobsView = defineView(blobs, {
  'v1.blob.stored': {
    apply: (event, rows) =>
      rows.put({
        digest: event.payload.digest,
        sha256: event.payload.sha256,
        size: event.payload.size,
        state: 'stored',
        revision: event.subjectRevision,
        storedAt: event.createdAt,
        checkedAt: null,
        fixity: 'unchecked',
      }),
  },
  'v1.blob.unreferenced': { reads: bySubject, apply: (event, rows) => change(rows, event, {}) },
  'v1.blob.trashed': { reads: bySubject, apply: (event, rows) => change(rows, event, { state: 'trashed' }) },
  'v1.blob.restored': { reads: bySubject, apply: (event, rows) => change(rows, event, { state: 'stored' }) },
  'v1.blob.purged': { reads: bySubject, apply: (event, rows) => change(rows, event, { state: 'purged' }) },
  'v1.fixity.checked': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event, { fixity: 'intact', checkedAt: event.createdAt }),
  },
  'v1.fixity.failed': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event, { fixity: 'failed', checkedAt: event.createdAt }),
  },
  'v1.fixity.repaired': {
    reads: bySubject,
    apply: (event, rows) => change(rows, event, { fixity: 'intact', checkedAt: event.createdAt }),
  },
})

const blobsByEither = preparedQuery(db =>
  db
    .select()
    .from(blobs)
    .where(or(isAnyOf(blobs.digest, sql.placeholder('blake3')), isAnyOf(blobs.sha256, sql.placeholder('sha256'))))
    .prepare('views-blobs-by-either'),
)

/** The blobs by either of their names; those that the log does not know are left out. */
export function findBlobs(db: ViewsDatabase, digests: readonly AnyDigest[]): Promise<BlobRow[]> {
  const blake3 = digests.filter(isBlake3)
  const sha256 = digests.filter((digest): digest is Sha256Digest => !isBlake3(digest))
  return blobsByEither(db, { blake3, sha256 })
}

export async function findBlob(db: ViewsDatabase, digest: AnyDigest): Promise<BlobRow | undefined> {
  const [row] = await findBlobs(db, [digest])
  return row
}

/** Every blob that the log calls stored, in the order of the digests, read a page at a time. */
export async function* eachStoredBlob(db: ViewsDatabase, pageSize = 1000): AsyncGenerator<BlobRow> {
  let after: Digest | undefined
  for (;;) {
    const page = await db
      .select()
      .from(blobs)
      .where(after === undefined ? undefined : gt(blobs.digest, after))
      .orderBy(asc(blobs.digest))
      .limit(pageSize)
    for (const row of page) if (row.state === 'stored') yield row
    after = page.at(-1)?.digest
    if (page.length < pageSize) return
  }
}

function change(rows: Rows<BlobRow>, event: Pick<KnownEvent, 'subjectId' | 'subjectRevision'>, fields: Partial<BlobRow>): void {
  const row = rows.get(event.subjectId)
  if (row) rows.put({ ...row, ...fields, revision: event.subjectRevision })
}
