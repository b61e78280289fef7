import type { Digest } from '@artifact-store/core'
import type { ByteRange } from './byte-range.ts'
import type { BackendReport } from './capability.ts'
import type { Staging } from './staging.ts'

/**
 * Bytes in order, in chunks of any length. A chunk belongs to whoever received it: who yields it never touches it again.
 * Who stops early says so through the iterator's `return`, as `break` in a `for await` does.
 */
export type ByteStream = AsyncIterable<Uint8Array>

/** How long to wait: an aborted operation rejects with the signal's reason. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/** A blob of no more bytes may be held in memory whole: 64 KiB. */
export const smallBlobBytes = 64 * 1024

export interface BlobStat {
  /** Bytes as stored. */
  readonly size: number
}

export interface BlobEntry extends BlobStat {
  readonly digest: Digest
}

/** For how long an address is good, and what the answer at it says of the bytes. */
export interface PresignedGet extends Abortable {
  readonly seconds: number
  readonly mediaType: string
  /** The `Content-Disposition` (RFC 6266). */
  readonly disposition: string
}

/** The room where the bytes are, shared with whatever else lies there; in bytes. */
export interface Space {
  readonly total: number
  /** What this process may still fill. */
  readonly free: number
}

/**
 * Where bytes are kept: a backend. It files bytes under the digest that it is told and knows nothing of digests being right;
 * `checkedBlobStore()` proves them, once, for every backend. Every backend passes `describeBlobStore()` of `./conformance`.
 *
 * Every method throws ArtifactError `backend-unavailable` when the backend cannot be used, with the cause.
 */
export interface BlobStore extends AsyncDisposable {
  /** Uploads that arrive in pieces. */
  readonly staging: Staging

  /**
   * The stores that may each have a copy of a blob, in the order in which they are asked, of a store that is made of several: `checkedBlobStore()` reads on in the
   * next one where a copy fails it. Left out by a store that is one.
   */
  readonly copies?: readonly BlobStore[]

  /**
   * Stores all of `bytes`. When the last byte has gone by, the store asks `name()`, once, for the digest under which to
   * keep them. When it resolves, the bytes are durable. When `name()` or the source throws, or the signal aborts, that
   * error comes out and nothing is kept. The same digest again replaces what is there, atomically: that is how a damaged
   * blob heals. The source is pulled one chunk at a time and memory is bounded, however large the blob.
   * @throws ArtifactError `storage-full`
   */
  put(bytes: ByteStream, name: () => Digest, options?: Abortable): Promise<void>

  /**
   * The same for a blob of at most `smallBlobBytes` that is in memory: those that are put at the same time may become durable together,
   * which for many small ones is several times cheaper. Left out by a backend that would gain nothing. An abort before the writing begins leaves
   * the blob unwritten.
   * @throws ArtifactError `storage-full`
   */
  putSmall?(digest: Digest, bytes: Uint8Array, options?: Abortable): Promise<void>

  /**
   * The bytes, or those of the range that exist: a range is cut at the blob's end and may be empty. The stream holds
   * nothing before its first read, reads ahead of its consumer by a bounded amount and closes what it holds when it is
   * stopped.
   * @throws ArtifactError `blob-not-found`, `range-not-satisfiable` for a range that is none
   */
  get(digest: Digest, options?: Abortable & { readonly range?: ByteRange | undefined }): Promise<ByteStream>

  /**
   * All bytes of a blob that should have `size`, of at most `smallBlobBytes`: for small ones much cheaper than a stream. Of one that has more it may give
   * one byte more than that and no others. Left out by a backend that would gain nothing.
   * @throws ArtifactError `blob-not-found`
   */
  getSmall?(digest: Digest, size: number, options?: Abortable): Promise<Uint8Array>

  /**
   * An address from which anybody who has it can fetch the blob with a GET over HTTP, ranges included, until it expires. Whether the blob is there may not be
   * looked at. Undefined where this store cannot give one for this blob; left out by a backend that never can.
   */
  presignGet?(digest: Digest, options: PresignedGet): Promise<string | undefined>

  /** What is stored, or undefined when there is nothing under this digest. */
  stat(digest: Digest, options?: Abortable): Promise<BlobStat | undefined>

  /** Removes the blob; false when it was not there. A reader in the middle of it may finish. */
  delete(digest: Digest, options?: Abortable): Promise<boolean>

  /** Every blob after `after`, in the order of the digests' hex, in bounded memory. Blobs that come or go meanwhile may
   * or may not be seen. */
  list(options?: Abortable & { readonly after?: Digest | undefined }): AsyncIterable<BlobEntry>

  /**
   * Proves cheaply that the backend can be written to; for readiness checks.
   * @throws ArtifactError `storage-full`
   */
  probe(options?: Abortable): Promise<void>

  /** How much room there is. Left out by a backend that knows of no end. */
  space?(): Promise<Space>

  /** What the backend is, and what is known of it without asking it. */
  report(): BackendReport

  /** Tries all that the backend can do, takes what was found into account from then on, and gives the new report. */
  examine(options?: Abortable): Promise<BackendReport>
}
