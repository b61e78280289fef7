import { ArtifactError, blake3, type Digest, digestFromBytes, type TokenId } from '@artifact-store/core'
import { createFunnel } from '@artifact-store/log'
import { type AccessTokenRow, findTokensBySecrets, type Scope, type ViewsDatabase } from '@artifact-store/views'

/** Who makes a call, as the token says. */
export interface Caller {
  readonly tokenId: TokenId
  readonly actor: string
  readonly scopes: readonly Scope[]
}

/** Finds tokens by the digest of their secret. */
export type TokenLookup = (secretDigest: Digest) => Promise<AccessTokenRow | undefined>

/**
 * Reads each token from the views after it was asked for, so that a revoked one opens nothing, but those that are asked for at the same time together: with
 * many calls of one client that is one query instead of one a call.
 */
export function createTokenLookup(views: ViewsDatabase): TokenLookup {
  const lookups = createFunnel<Digest, { readonly token: AccessTokenRow | undefined }>({
    async run(digests) {
      const tokens = await findTokensBySecrets(views, [...new Set(digests)])
      const bySecret = new Map(tokens.map(token => [token.secretDigest, token]))
      return digests.map(digest => ({ token: bySecret.get(digest) }))
    },
    maxWeight: 1000,
    maxWaiting: 10_000,
  })
  return async digest => (await lookups.submit(digest)).token
}

/**
 * Finds out who calls from an `Authorization: Bearer` field (RFC 6750). Only the digest of a secret is ever stored or compared.
 * @throws ArtifactError `unauthenticated` without a token that is known, unexpired and not revoked.
 */
export async function authenticate(find: TokenLookup, authorization: string | undefined, now: Date): Promise<Caller> {
  const secret = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
  if (secret === undefined)
    throw new ArtifactError('unauthenticated', 'this call needs a token: send it as "Authorization: Bearer <token>"')
  const token = await find(digestFromBytes(blake3(secret)))
  if (!token) throw new ArtifactError('unauthenticated', 'the token is not known here: check that it is whole and of this store')
  if (token.revokedAt)
    throw new ArtifactError('unauthenticated', `the token ${token.tokenId} was revoked: ask an administrator for a new one`)
  if (token.expiresAt && token.expiresAt <= now) {
    throw new ArtifactError(
      'unauthenticated',
      `the token ${token.tokenId} expired at ${token.expiresAt.toISOString()}: ask an administrator for a new one`,
    )
  }
  return { tokenId: token.tokenId, actor: token.actor, scopes: token.scopes }
}

/** The `admin` scope contains the others; they contain nothing but themselves.
 * @throws ArtifactError `forbidden` */
export function authorize(caller: Caller, scope: Scope): void {
  if (caller.scopes.includes(scope) || caller.scopes.includes('admin')) return
  throw new ArtifactError(
    'forbidden',
    `the token of "${caller.actor}" has the scopes ${caller.scopes.join(', ')}; this call needs "${scope}"`,
    {
      details: { needed: scope, scopes: caller.scopes },
    },
  )
}
