import type { AnyDigest, ArtifactError, ContentDigests, Digest } from '@artifact-store/core'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream, PresignedGet, Space } from './blob-store.ts'
import { type BlockRecord, largestWithoutRecord } from './blocks/block-record.ts'
import { type BlobFacts, BlockRecords } from './blocks/block-records.ts'
import { provenRead } from './blocks/proven-read.ts'
import { type ByteRange, clampRange } from './byte-range.ts'
import type { BackendReport } from './capability.ts'
import { type BlobFinding, type CopyFinding, checkBlob, summaryOf } from './check-blob.ts'
import { type CheckedUploads, checkedUploads } from './checked-uploads.ts'
import { type CheckedParts, checkedPut, checkedPutBytes } from './checked-write.ts'
import { CopiesInTurn } from './copies-in-turn.ts'
import { type ContentHashing, onTheEventLoop } from './hashing/content-hashing.ts'
import { portableKernel } from './hashing/portable-kernel.ts'
import { type OpenedCopy, readAnyCopy } from './read-any-copy.ts'
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
  /** Told of a copy that turned out damaged, also when another store's is read in its place. */
  readonly onBadCopy?: ((error: ArtifactError) => void) | undefined
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
   * proven; that makes the record for the next reader. Either way, whoever reads to the end has the right bytes. Of a blob that several stores have, another copy is
   * read on where one fails.
   * @throws ArtifactError `blob-not-found`; `blob-corrupt` in the place of what is wrong, or earlier when the size shows it (details digest,
   * and start and end, or actual, or expectedBytes and receivedBytes); and what the backend's get throws.
   */
  get(digest: Digest, options: CheckedGet): Promise<ByteStream>

  /**
   * All of a blob of at most `smallBlobBytes`, proven: for small ones much cheaper than `get`.
   * @throws what `get` and its stream throw
   */
  getBytes(digest: Digest, options: Omit<CheckedGet, 'range'>): Promise<Uint8Array>

  /**
   * Reads the whole blob, as the backend has it, and says what it found; where several stores have it, the best of what they have.
   * @throws what the backend's get throws, but for a blob that is not there.
   */
  check(digest: Digest, options?: Abortable): Promise<BlobFinding>
  /** The same for each store that may have a copy, in the order in which they are read. */
  checkCopies(digest: Digest, options?: Abortable): Promise<readonly CopyFinding[]>

  /**
   * An address from which anybody can fetch the bytes until it expires, past this store: **whoever does has to prove them**. Undefined where the backend gives none.
   */
  presignGet(digest: Digest, options: PresignedGet): Promise<string | undefined>

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
  async function lookAtCopies(digest: Digest, options?: Abortable): Promise<readonly CopyFinding[]> {
    const findings: CopyFinding[] = []
    for (const copy of store.copies ?? [store]) findings.push({ store: copy, finding: await checkBlob(copy, digest, options) })
    return findings
  }
  async function checkCopies(digest: Digest, options?: Abortable): Promise<readonly CopyFinding[]> {
    const copies = await lookAtCopies(digest, options)
    // It may have been moved meanwhile to a store that had been looked at.
    const isNowhere = copies.every(({ finding }) => finding.kind === 'missing')
    return isNowhere && copies.length > 1 ? lookAtCopies(digest, options) : copies
  }
  return {
    uploads: checkedUploads(parts),
    put: (bytes, options = {}) => checkedPut(parts, bytes, options),
    putBytes: (bytes, options = {}) => checkedPutBytes(parts, bytes, options),

    async get(digest, { size, range, signal, onBadCopy }) {
      const wanted = clampRange(range, size)
      const open = (copy: BlobStore, part: ByteRange) =>
        openCopy({ ...parts, store: copy }, { digest, size, wanted: part }, signal)
      if (store.copies === undefined) return (await open(store, wanted)).bytes
      return readAnyCopy(store.copies, { wanted, open: size > largestWithoutRecord ? open : whole(open), onBadCopy, signal })
    },

    async getBytes(digest, { size, signal, onBadCopy }) {
      const read = (copy: BlobStore) => bytesOfCopy({ ...parts, store: copy }, { digest, size }, signal)
      return store.copies === undefined ? read(store) : new CopiesInTurn(store.copies, { onBadCopy, signal }).next(read)
    },

    check: async (digest, options) => summaryOf(await checkCopies(digest, options)),
    checkCopies,
    presignGet: async (digest, options) => store.presignGet?.(digest, options),
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

type OpenCopy = (copy: BlobStore, part: ByteRange) => Promise<OpenedCopy>

/** For a blob of one block: nothing of it goes out before all of it is proven, so another copy can always be read in its place. */
function whole(open: OpenCopy): OpenCopy {
  return async (copy, part) => ({ bytes: inOne((await open(copy, part)).bytes), provenAsTheyCome: true })
}

async function* inOne(bytes: ByteStream): ByteStream {
  const all = await gathered(bytes)
  if (all.length > 0) yield all
}

/** Opens the wanted part of the blob in the one store. */
async function openCopy(
  { store, records, hashing }: CheckedParts,
  { digest, size, wanted }: BlobFacts & { readonly wanted: ByteRange },
  signal: AbortSignal | undefined,
): Promise<OpenedCopy> {
  // A truncated or overlong large blob is refused before its first byte; a small one is found out by then anyway.
  if (size > worthAsking) {
    const there = await store.stat(digest, { signal })
    if (there !== undefined && there.size !== size) throw wrongSize(digest, size, there.size)
  }
  const isAll = wanted.start === 0 && wanted.end === size
  // A kernel that knows no blocks proves a whole blob, and faster than the one that does proves its blocks.
  if (isAll && !hashing.kernel.tellsBlocks) {
    const bytes = verified(await store.get(digest, { signal }), { digest, size, wanted }, hashing.kernel)
    return { bytes, provenAsTheyCome: false }
  }
  const record = await records.find({ digest, size }, { signal })
  if (record !== undefined) return { bytes: provenRead(store, { digest, size, wanted }, record, signal), provenAsTheyCome: true }
  const onProven = (made: BlockRecord) => records.keep({ digest, size }, made)
  const bytes = verified(await store.get(digest, { signal }), { digest, size, wanted, onProven }, portableKernel)
  return { bytes, provenAsTheyCome: false }
}

/** All of a small blob, as the one store has it. */
async function bytesOfCopy(
  { store, hashing }: CheckedParts,
  { digest, size }: BlobFacts,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!store.getSmall)
    return gathered(
      verified(await store.get(digest, { signal }), { digest, size, wanted: { start: 0, end: size } }, hashing.kernel),
    )
  const bytes = await store.getSmall(digest, size, { signal })
  if (bytes.length !== size) throw wrongSize(digest, size, bytes.length)
  const actual = hashing.kernel.hash(bytes)
  if (actual !== digest) throw wrongDigest(digest, actual)
  return bytes
}
