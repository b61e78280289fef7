import type { ByteStream, CheckedBlobStore } from '@artifact-store/blobs'
import { ArtifactError, type Digest, isArtifactError } from '@artifact-store/core'

/** Told of a blob that could not be read as it was stored. */
export type OnDamage = (digest: Digest, error: ArtifactError) => void

/**
 * The store of a registry that knows which blobs there must be: one that the backend has not is damaged, like one whose bytes are wrong. Every such read is
 * told to `onDamage`, and fails as `blob-corrupt`; a damaged copy is told of also where another one was read in its place.
 */
export function watchedBlobs(blobs: CheckedBlobStore, onDamage: OnDamage): CheckedBlobStore {
  const seen = (digest: Digest, error: unknown): unknown => {
    if (!isArtifactError(error, 'blob-corrupt', 'blob-not-found')) return error
    onDamage(digest, error)
    if (error.kind === 'blob-corrupt') return error
    return new ArtifactError(
      'blob-corrupt',
      `the bytes of ${digest} are missing from the blob backend; upload the file again to heal it`,
      { cause: error, details: { digest } },
    )
  }
  async function* watched(digest: Digest, bytes: ByteStream): ByteStream {
    try {
      yield* bytes
    } catch (error) {
      throw seen(digest, error)
    }
  }
  return {
    ...blobs,
    async getBytes(digest, options) {
      try {
        return await blobs.getBytes(digest, { ...options, onBadCopy: error => onDamage(digest, error) })
      } catch (error) {
        throw seen(digest, error)
      }
    },
    async get(digest, options) {
      try {
        return watched(digest, await blobs.get(digest, { ...options, onBadCopy: error => onDamage(digest, error) }))
      } catch (error) {
        throw seen(digest, error)
      }
    },
  }
}
