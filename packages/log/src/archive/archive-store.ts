import type { Digest } from '@artifact-store/core'

/**
 * Where the segments of the log are kept: bytes under their digest, for good. A checked blob store is one (`checkedBlobStore()` of the blobs
 * package), opened at an address that is the archive's alone: nobody who collects blobs that no package names may come by there.
 */
export interface ArchiveStore {
  /** Keeps the bytes; durable when it resolves. @throws ArtifactError `backend-unavailable`, `storage-full` */
  put(
    bytes: AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly digest: Digest; readonly size: number }>
  /** The bytes that have this digest. @throws ArtifactError `blob-not-found`, `blob-corrupt`, `backend-unavailable`, also while they are read. */
  get(
    digest: Digest,
    options: { readonly size: number; readonly signal?: AbortSignal | undefined },
  ): Promise<AsyncIterable<Uint8Array>>
  /** What is there, unproven; undefined: nothing. @throws ArtifactError `backend-unavailable` */
  stat(digest: Digest, options?: { readonly signal?: AbortSignal | undefined }): Promise<{ readonly size: number } | undefined>
}
