import { rm } from 'node:fs/promises'
import { ArtifactError, type Digest } from '@artifact-store/core'
import { flushBlobs } from '../disk/flush-blobs.ts'
import { onDisk } from '../disk/on-disk.ts'
import { type BlobLayout, blobLayout } from '../layout.ts'
import { Thread } from '../threads/thread.ts'
import type { JournalAnswer, JournalOrder, JournalPlace } from './journal-thread.ts'
import { encodeRecords, type JournalRecord, recordBytes } from './record.ts'

/** The most that one flush covers, in blobs and bytes. */
const batchLimits = { blobs: 512, bytes: 4 * 1024 * 1024 }
/** So much in the journal is enough to let go of it, and so much too much to go on without. A burst that fits need not wait for its own flushing. */
const enough = { blobs: 32_768, bytes: 128 * 1024 * 1024 }
const tooMuch = { blobs: 65_536, bytes: 256 * 1024 * 1024 }
/** After so long without a batch, in milliseconds, what is in the journal is let go of, however little. */
const settleAfterMs = 10_000

interface Waiting {
  readonly record: JournalRecord
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes many small blobs durable with one flush. Those that come while a batch is being written are the next one. A batch is appended to the
 * journal and flushed there; then its blobs are written and named without waiting for the disk, and their puts are answered. Now and then the
 * blobs themselves are flushed, many at once, and the journal of them is removed. After a power failure what is in the journal is written again
 * (`replay.ts`).
 */
export class SmallBlobs implements AsyncDisposable {
  readonly #place: JournalPlace
  readonly #layout: BlobLayout
  #thread: Thread<JournalOrder, JournalAnswer> | undefined
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #settling: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined
  /** What is in the journal. */
  readonly #unsettled: Digest[] = []
  #unsettledBytes = 0
  /** The files of the journal. */
  readonly #segments = new Set<string>()

  constructor(place: JournalPlace) {
    this.#place = place
    this.#layout = blobLayout(place.directory)
  }

  /** Resolves when the blob is durable and can be read. */
  put(record: JournalRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, resolve, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Leaves no journal behind, if the disk lets it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running
    clearTimeout(this.#timer)
    await this.#settle().catch(() => undefined)
    await this.#thread?.stop()
  }

  async #drain(): Promise<void> {
    clearTimeout(this.#timer)
    // Who comes in the same turn of the event loop goes with the first.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch()
      try {
        if (this.#holds(tooMuch)) await this.#settle()
        await this.#write(batch.map(({ record }) => record))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      if (this.#holds(enough)) this.#settleLater()
    }
    this.#running = undefined
    this.#timer = setTimeout(() => this.#settleLater(), settleAfterMs).unref()
  }

  #takeBatch(): Waiting[] {
    let count = 0
    let bytes = 0
    for (const { record } of this.#queue) {
      bytes += recordBytes(record)
      if (count > 0 && (count === batchLimits.blobs || bytes > batchLimits.bytes)) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    const { buffer, offsets } = encodeRecords(records)
    const blobs = records.map(({ digest, bytes }, index) => ({ digest, offset: offsets[index] ?? 0, length: bytes.length }))
    const written = buffer.byteLength
    await this.#ask({ records: buffer, blobs }, [buffer])
    this.#unsettled.push(...records.map(({ digest }) => digest))
    this.#unsettledBytes += written
  }

  #holds({ blobs, bytes }: typeof enough): boolean {
    return this.#unsettled.length >= blobs || this.#unsettledBytes >= bytes
  }

  /** What fails here is tried again with the next batch, which fails in its turn when there is too much in the journal. */
  #settleLater(): void {
    this.#settle().catch(() => undefined)
  }

  /** Flushes the blobs that are in the journal, and removes it. When that fails, the journal stays. */
  #settle(): Promise<unknown> {
    this.#settling ??= this.#flushAndRemove().finally(() => {
      this.#settling = undefined
    })
    return this.#settling
  }

  async #flushAndRemove(): Promise<void> {
    if (this.#unsettled.length === 0) return
    await this.#ask({ seal: true })
    // All that was answered before the sealing is in segments that are closed, and nothing else is.
    const [digests, bytes, segments] = [this.#unsettled.splice(0), this.#unsettledBytes, [...this.#segments]]
    try {
      await flushBlobs(this.#layout, digests)
      for (const segment of segments) {
        await onDisk('remove', segment, rm(segment, { force: true }))
        this.#segments.delete(segment)
      }
    } catch (error) {
      // One by one: there may be more than a call takes arguments.
      for (const digest of digests) this.#unsettled.push(digest)
      throw error
    }
    this.#unsettledBytes -= bytes
  }

  async #ask(order: JournalOrder, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    if (this.#thread === undefined || this.#thread.failed)
      this.#thread = new Thread(new URL('./journal-thread.ts', import.meta.url), 'journal', this.#place)
    const { segment, failure } = await this.#thread.ask(order, transfer)
    if (segment !== undefined) this.#segments.add(segment)
    if (failure) throw new ArtifactError(failure.kind, failure.message, { details: failure.details })
  }
}
