import type { AnyDigest, ContentDigests, Digest } from '@artifact-store/core'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream, Space } from './blob-store.ts'
import type { BlockRecord } from './blocks/block-record.ts'
import { BlockRecords } from './blocks/block-records.ts'
import { provenRead } from './blocks/proven-read.ts'
import { type ByteRange, clampRange } from './byte-range.ts'
import type { BackendReport } from './capability.ts'
import { type BlobFinding, checkBlob } from './check-blob.ts'
import { type CheckedUploads, checkedUploads } from './checked-uploads.ts'
import { checkedPut, checkedPutBytes } from './checked-write.ts'
import { type ContentHashing, onTheEventLoop } from './hashing/content-hashing.ts'
import { portableKernel } from './hashing/portable-kernel.ts'
import { gathered } from './read-blob.ts'
import { verified, wrongDigest, wrongSize } from './verified-read.ts'

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

  /** The same for bytes that are in memory; small ones that are put at the same time may share the wait for the disk. */
  putBytes(bytes: Uint8Array, options?: CheckedPut): Promise<ContentDigests>

  /**
   * The bytes, or those of the range that exist, each proven before it is given out: by the record of the blob's blocks, of which only those that the
   * range touches are read. A blob without a record is read whole, also for a range, and its last chunk is held back until all of it is
   * proven; that makes the record for the next reader. Either way, whoever reads to the end has the right bytes.
   * @throws ArtifactError `blob-not-found`; `blob-corrupt` in the place of what is wrong, or earlier when the size shows it (details digest,
   * and start and end, or actual, or expectedBytes and receivedBytes); and what the backend's get throws.
   */
  get(digest: Digest, options: CheckedGet): Promise<ByteStream>

  /**
   * All of a blob of at most `smallBlobBytes`, proven: for small ones much cheaper than `get`.
   * @throws what `get` and its stream throw
   */
  getBytes(digest: Digest, options: Abortable & { readonly size: number }): Promise<Uint8Array>

  /** Reads the whole blob, as the backend has it, and says what it found. @throws what the backend's get throws, but for a blob that is not there. */
  check(digest: Digest, options?: Abortable): Promise<BlobFinding>

  /** As the backend says, unproven. */
  stat(digest: Digest, options?: Abortable): Promise<BlobStat | undefined>
  delete(digest: Digest, options?: Abortable): Promise<boolean>
  list(options?: Abortable & { readonly after?: Digest | undefined }): AsyncIterable<BlobEntry>
  probe(options?: Abortable): Promise<void>
  /** How much room there is; undefined where the backend knows of no end. */
  space(): Promise<Space | undefined>
  report(): BackendReport
  examine(options?: Abortable): Promise<BackendReport>
}

export interface CheckedOptions {
  /** A store for the records that prove the blocks of blobs, apart from the blobs themselves (`openDerivedStore`); without it nothing is recorded. */
  readonly blocks?: BlobStore | undefined
  /** How to hash, of whoever calls this; by default with the portable kernel, on the event loop. */
  readonly hashing?: ContentHashing | undefined
}

/** Stands in front of a backend and owns it, and the store of the records: disposing of this disposes of both. */
export function checkedBlobStore(
  store: BlobStore,
  { blocks, hashing = onTheEventLoop() }: CheckedOptions = {},
): CheckedBlobStore {
  const records = new BlockRecords(blocks)
  const parts = { store, records, hashing }
  return {
    uploads: checkedUploads(parts),
    put: (bytes, options = {}) => checkedPut(parts, bytes, options),
    putBytes: (bytes, options = {}) => checkedPutBytes(parts, bytes, options),

    async get(digest, { size, range, signal }) {
      const wanted = clampRange(range, size)
      // A truncated or overlong large blob is refused before its first byte; a small one is found out by then anyway.
      if (size > worthAsking) {
        const there = await store.stat(digest, { signal })
        if (there !== undefined && there.size !== size) throw wrongSize(digest, size, there.size)
      }
      const whole = wanted.start === 0 && wanted.end === size
      // A kernel that knows no blocks proves a whole blob, and faster than the one that does proves its blocks.
      if (whole && !hashing.kernel.tellsBlocks)
        return verified(await store.get(digest, { signal }), { digest, size, wanted }, hashing.kernel)
      const record = await records.find({ digest, size }, { signal })
      if (record !== undefined) return provenRead(store, { digest, size, wanted }, record, signal)
      const onProven = (made: BlockRecord) => records.keep({ digest, size }, made)
      return verified(await store.get(digest, { signal }), { digest, size, wanted, onProven }, portableKernel)
    },

    async getBytes(digest, { size, signal }) {
      if (!store.getSmall)
        return gathered(
          verified(await store.get(digest, { signal }), { digest, size, wanted: { start: 0, end: size } }, hashing.kernel),
        )
      const bytes = await store.getSmall(digest, size, { signal })
      if (bytes.length !== size) throw wrongSize(digest, size, bytes.length)
      const actual = hashing.kernel.hash(bytes)
      if (actual !== digest) throw wrongDigest(digest, actual)
      return bytes
    },

    check: (digest, options) => checkBlob(store, digest, options),
    stat: (digest, options) => store.stat(digest, options),
    async delete(digest, options) {
      await records.forget(digest, options)
      return store.delete(digest, options)
    },
    list: options => store.list(options),
    probe: options => store.probe(options),
    space: async () => store.space?.(),
    report: () => store.report(),
    examine: options => store.examine(options),
    async [Symbol.asyncDispose]() {
      await records[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
