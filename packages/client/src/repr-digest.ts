import { type AnyDigest, digestHex, isBlake3 } from '@artifact-store/core'

/** Digests as a `Repr-Digest` field, e.g. `sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:` (RFC 9530). */
export function reprDigestHeader(digests: readonly (AnyDigest | undefined)[]): Record<string, string> {
  const members = digests
    .filter(digest => digest !== undefined)
    .map(digest => {
      const base64 = Buffer.from(digestHex(digest), 'hex').toString('base64')
      return `${isBlake3(digest) ? 'blake3' : 'sha-256'}=:${base64}:`
    })
  return members.length === 0 ? {} : { 'repr-digest': members.join(', ') }
}
