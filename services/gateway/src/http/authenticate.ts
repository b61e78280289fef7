import { ArtifactError, blake3, digestFromBytes, type TokenId } from '@artifact-store/core'
import { findTokenBySecret, type Scope, type ViewsDatabase } from '@artifact-store/views'

/** Who makes a call, as the token says. */
export interface Caller {
  readonly tokenId: TokenId
  readonly actor: string
  readonly scopes: readonly Scope[]
}

/**
 * Finds out who calls from an `Authorization: Bearer` field (RFC 6750). Only the digest of a secret is ever stored or compared.
 * @throws ArtifactError `unauthenticated` without a token that is known, unexpired and not revoked.
 */
export async function authenticate(db: ViewsDatabase, authorization: string | undefined, now: Date): Promise<Caller> {
  const secret = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
  if (secret === undefined)
    throw new ArtifactError('unauthenticated', 'this call needs a token: send it as "Authorization: Bearer <token>"')
  const token = await findTokenBySecret(db, digestFromBytes(blake3(secret)))
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
