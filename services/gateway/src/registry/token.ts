import { randomBytes } from 'node:crypto'
import { blake3, type Digest, digestFromBytes, digestHex, parseTokenId, type TokenId } from '@artifact-store/core'

/** A new secret: 256 random bits behind a prefix by which people and scanners know it. */
export function newTokenSecret(): string {
  return `ast_${randomBytes(32).toString('base64url')}`
}

/** What is kept of a secret: its digest, and an id made from that. Neither leads back to it. */
export function tokenOf(secret: string): { readonly id: TokenId; readonly secretDigest: Digest } {
  const secretDigest = digestFromBytes(blake3(secret))
  return { id: parseTokenId(digestHex(secretDigest).slice(0, 32)), secretDigest }
}
