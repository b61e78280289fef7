import { type Digest, isArtifactError } from '@artifact-store/core'
import type { Abortable, BlobStore } from '../blob-store.ts'
import { type BlockRecord, encodeRecord, largestWithoutRecord, proveRecord, recordLength } from './block-record.ts'

/** Words of the records that stay in memory, proven: 4 MiB, which is enough for 128 GiB of blobs that are being read. */
const keepWords = 1024 * 1024

/** Which blob, and how many bytes it has. */
export interface BlobFacts {
  readonly digest: Digest
  readonly size: number
}

/**
 * The records of blobs, each kept under the digest of its blob in a store of their own. They are a convenience: one that is missing, damaged or of another
 * blob is as good as none, and one that cannot be kept is made again by the next reader.
 */
export class BlockRecords {
  readonly #store: BlobStore | undefined
  readonly #proven = new Map<Digest, BlockRecord>()
  #words = 0

  /** @param store where they are kept; without it there are none. */
  constructor(store: BlobStore | undefined) {
    this.#store = store
  }

  /** Whether a blob of that size has a record at all. */
  covers(size: number): boolean {
    return this.#store !== undefined && size > largestWithoutRecord
  }

  /** The record, proven; undefined when there is none that is worth anything. */
  async find(blob: BlobFacts, { signal }: Abortable = {}): Promise<BlockRecord | undefined> {
    if (this.#store === undefined || !this.covers(blob.size)) return undefined
    const known = this.#proven.get(blob.digest)
    if (known !== undefined) return known
    const bytes = await unlessUnusable(readUpTo(this.#store, blob, signal))
    const record = bytes && proveRecord(bytes, blob)
    if (record !== undefined) this.#remember(blob.digest, record)
    return record
  }

  /** Keeps the record of a blob, if that can be done now. */
  async keep({ digest, size }: BlobFacts, record: BlockRecord): Promise<void> {
    if (this.#store === undefined || !this.covers(size)) return
    await unlessUnusable(this.#store.put(once(encodeRecord(record)), () => digest))
  }

  async forget(digest: Digest, options?: Abortable): Promise<void> {
    this.#drop(digest)
    await this.#store?.delete(digest, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]()
  }

  #remember(digest: Digest, record: BlockRecord): void {
    this.#proven.set(digest, record)
    this.#words += record.values.length
    for (const oldest of this.#proven.keys()) {
      if (this.#words <= keepWords) return
      this.#drop(oldest)
    }
  }

  #drop(digest: Digest): void {
    this.#words -= this.#proven.get(digest)?.values.length ?? 0
    this.#proven.delete(digest)
  }
}

async function readUpTo(store: BlobStore, { digest, size }: BlobFacts, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const length = recordLength(size)
  const bytes = new Uint8Array(length)
  let read = 0
  // One byte more shows that it is longer than it may be.
  for await (const chunk of await store.get(digest, { range: { start: 0, end: length + 1 }, signal })) {
    if (read + chunk.length > length) return new Uint8Array(0)
    bytes.set(chunk, read)
    read += chunk.length
  }
  return bytes.subarray(0, read)
}

/** Undefined where the store has it not, or cannot say: then the blob's own bytes are asked, and they tell what is wrong. */
async function unlessUnusable<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking
  } catch (error) {
    if (isArtifactError(error)) return undefined
    throw error
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes
}
