import { type Segment, stagedInSegments } from '../segments.ts'
import type { StagedBytes, StagedWriter } from '../staging.ts'
import type { S3Bucket } from './bucket.ts'
import { pieceOf, pieceSizeOf } from './upload-pieces.ts'

/** Where a writer goes on. */
export interface WriterStart {
  readonly place: string
  /** The segments in front of the one that is written. */
  readonly before: readonly Segment[]
  readonly segment: Segment
  /** The bytes behind the last whole piece of the segment. */
  readonly tail: Uint8Array
}

/** Writes a segment on: a piece is filled while the one before is sent. */
export class UploadWriter implements StagedWriter {
  readonly #bucket: S3Bucket
  readonly #start: WriterStart
  readonly #pieceSize: number
  #index: number
  #filling: Buffer
  #filled: number
  #sent: Promise<void> = Promise.resolve()

  constructor(bucket: S3Bucket, start: WriterStart) {
    this.#bucket = bucket
    this.#start = start
    this.#pieceSize = pieceSizeOf(start.segment.name)
    this.#index = Math.floor(start.segment.size / this.#pieceSize)
    this.#filling = bucket.memory.take(Math.max(64 * 1024, start.tail.length))
    this.#filling.set(start.tail)
    this.#filled = start.tail.length
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#filled === this.#filling.length) this.#grow()
      const taken = rest.subarray(0, this.#filling.length - this.#filled)
      this.#filling.set(taken, this.#filled)
      this.#filled += taken.length
      rest = rest.subarray(taken.length)
      if (this.#filled === this.#pieceSize) await this.#sendPiece()
    }
  }

  async flush(): Promise<StagedBytes> {
    await this.#sent
    if (this.#filled > 0) await this.#put(this.#filling.subarray(0, this.#filled))
    const { before, segment } = this.#start
    return stagedInSegments([...before, { name: segment.name, size: this.#index * this.#pieceSize + this.#filled }])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sent.catch(() => undefined)
    this.#bucket.memory.giveBack(this.#filling)
  }

  /** Begins to send a piece; returns when there is room for the next one. */
  async #sendPiece(): Promise<void> {
    await this.#sent
    const { memory } = this.#bucket
    const piece = this.#filling
    this.#sent = this.#put(piece).finally(() => memory.giveBack(piece))
    // It is awaited before the next piece and by the flush; until then a failure must not count as unhandled.
    this.#sent.catch(() => undefined)
    this.#index += 1
    this.#filled = 0
    if (!memory.allows(1)) await this.#sent.catch(() => undefined)
    this.#filling = memory.take(this.#pieceSize)
  }

  #put(bytes: Uint8Array): Promise<void> {
    const { place, segment } = this.#start
    return this.#bucket.put(pieceOf(place, segment.name, this.#index, bytes.length).key, bytes)
  }

  #grow(): void {
    const { memory } = this.#bucket
    const larger = memory.take(Math.min(this.#filling.length * 4, this.#pieceSize))
    this.#filling.copy(larger)
    memory.giveBack(this.#filling)
    this.#filling = larger
  }
}
