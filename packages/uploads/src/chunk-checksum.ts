import { createHash } from 'node:crypto'
import { ArtifactError, blake3Stream, digestHex } from '@artifact-store/core'

/** What a piece of an upload may be checked by, as tus names them. */
export const checksumAlgorithms = ['sha1', 'sha256', 'sha512', 'blake3'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]

/** Checks one piece while it streams. */
export interface ChunkChecksum {
  update(chunk: Uint8Array): void
  /** @throws ArtifactError `checksum-mismatch` */
  verify(): void
}

/** @param expected the digest's bytes. */
export async function createChunkChecksum(algorithm: ChecksumAlgorithm, expected: Uint8Array): Promise<ChunkChecksum> {
  const hash = algorithm === 'blake3' ? await blake3Hash() : createHash(algorithm)
  return {
    update: chunk => void hash.update(chunk),
    verify() {
      const actual = hash.digest()
      if (Buffer.compare(actual, expected) === 0) return
      const text = actual.toString('base64')
      throw new ArtifactError(
        'checksum-mismatch',
        `what arrived has the ${algorithm} ${text}, which is not its Upload-Checksum; nothing of it was kept, send it again`,
        { details: { algorithm, actual: text } },
      )
    },
  }
}

async function blake3Hash(): Promise<{ update(chunk: Uint8Array): void; digest(): Buffer }> {
  const stream = await blake3Stream()
  return { update: chunk => stream.update(chunk), digest: () => Buffer.from(digestHex(stream.digest()), 'hex') }
}
