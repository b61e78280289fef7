import { ArtifactError } from './errors.ts'

/** The identity of a blob, `blake3:` and 64 lower-case hex digits. */
export type Digest = `blake3:${string}` & { readonly __brand: 'Digest' }
/** The same bytes as OCI, in-toto and HTTP name them, `sha256:` and 64 lower-case hex digits. */
export type Sha256Digest = `sha256:${string}` & { readonly __brand: 'Sha256Digest' }
/** Either name: accepted wherever a digest is. */
export type AnyDigest = Digest | Sha256Digest

/** Both names of one byte string, and its length in bytes. */
export interface ContentDigests {
  readonly digest: Digest
  readonly sha256: Sha256Digest
  readonly size: number
}

const grammar = /^(blake3|sha256):[0-9a-f]{64}$/

/** Parses either digest form (`OCI image-spec: descriptor digest grammar`, with BLAKE3 as a second algorithm).
 * @throws ArtifactError `invalid-request` naming the text. */
export function parseAnyDigest(text: string): AnyDigest {
  if (!grammar.test(text)) {
    throw new ArtifactError(
      'invalid-request',
      `"${text.slice(0, 100)}" is not a digest: give blake3: or sha256: and 64 lower-case hex digits`,
    )
  }
  return text as AnyDigest
}

/** @throws ArtifactError `invalid-request` when the text is not a `blake3:` digest. */
export function parseDigest(text: string): Digest {
  const digest = parseAnyDigest(text)
  if (!isBlake3(digest))
    throw new ArtifactError('invalid-request', `"${text}" is a SHA-256 digest; a blake3: digest is needed here`)
  return digest
}

/** @throws ArtifactError `invalid-request` when the text is not a `sha256:` digest. */
export function parseSha256(text: string): Sha256Digest {
  const digest = parseAnyDigest(text)
  if (isBlake3(digest))
    throw new ArtifactError('invalid-request', `"${text}" is a BLAKE3 digest; a sha256: digest is needed here`)
  return digest
}

export function isBlake3(digest: AnyDigest): digest is Digest {
  return digest.startsWith('blake3:')
}

/** The 64 hex digits without the algorithm. */
export function digestHex(digest: AnyDigest): string {
  return digest.slice(7)
}

/** @param bytes the 32 raw bytes of a BLAKE3 hash. */
export function digestFromBytes(bytes: Uint8Array): Digest {
  return parseDigest(`blake3:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`)
}
