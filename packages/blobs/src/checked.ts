import type { AnyDigest, ContentDigests, Digest } from '@artifact-store/core'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream } from './blob-store.ts'
import { type ByteRange, clampRange } from './byte-range.ts'
import { type CheckedUploads, checkedUploads } from './checked-uploads.ts'
import { checkedPut } from './checked-write.ts'
import { verified, wrongSize } from './verified-read.ts'

/** A blob of more bytes than this leaves in several chunks, so its size is asked for first. */
const worthAsking = 256 * 1024

export interface CheckedPut extends Abortable {
  /** Digests, of either kind, that the bytes must have. */
  readonly expect?: readonly AnyDigest[] | undefined
  /** How many bytes there must be. */
  readonly size?: number | undefined
}

export interface CheckedGet extends Abortable {
  /** The blob's whole size in bytes, as the log recorded it. */
  readonly size: number
  readonly range?: ByteRange | undefined
}

/** A blob store that neither keeps nor serves bytes under a digest that they do not have, whatever its backend does. */
export interface CheckedBlobStore extends AsyncDisposable {
  /** Uploads that arrive in pieces. */
  readonly uploads: CheckedUploads

  /**
   * Stores the bytes under the digest that they turn out to have, hashed as they stream. When it resolves they are durable.
   * @throws ArtifactError `body-incomplete` (details expectedBytes, receivedBytes: those so far when there are too many) or
   * `digest-mismatch` (details expected, actual), then nothing is kept; and what the backend's put throws.
   */
  put(bytes: ByteStream, options?: CheckedPut): Promise<ContentDigests>

  /**
   * The bytes, or those of the range that exist, of a blob that is proven whole: the last chunk is held back until all of
   * the blob has been read and hashed, so whoever reads to the end has the right bytes. A range is read whole too, because
   * one digest over the blob proves no part of it; hashes per block will make ranges cheap.
   * @throws ArtifactError `blob-not-found`; `blob-corrupt` in the last chunk's place, or earlier when the size shows it
   * (details digest, and actual or expectedBytes and receivedBytes); and what the backend's get throws.
   */
  get(digest: Digest, options: CheckedGet): Promise<ByteStream>

  /** As the backend says, unproven. */
  stat(digest: Digest, options?: Abortable): Promise<BlobStat | undefined>
  delete(digest: Digest, options?: Abortable): Promise<boolean>
  list(options?: Abortable & { readonly after?: Digest | undefined }): AsyncIterable<BlobEntry>
  probe(options?: Abortable): Promise<void>
}

/** Stands in front of a backend and owns it: disposing of this disposes of the backend. */
export function checkedBlobStore(store: BlobStore): CheckedBlobStore {
  return {
    uploads: checkedUploads(store),
    put: (bytes, options = {}) => checkedPut(store, bytes, options),

    async get(digest, { size, range, signal }) {
      const wanted = clampRange(range, size)
      // A truncated or overlong large blob is refused before its first byte; a small one is found out by then anyway.
      if (size > worthAsking) {
        const there = await store.stat(digest, { signal })
        if (there !== undefined && there.size !== size) throw wrongSize(digest, size, there.size)
      }
      return verified(await store.get(digest, { signal }), { digest, size, wanted })
    },

    stat: (digest, options) => store.stat(digest, options),
    delete: (digest, options) => store.delete(digest, options),
    list: options => store.list(options),
    probe: options => store.probe(options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
