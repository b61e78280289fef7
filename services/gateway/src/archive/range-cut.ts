import type { ByteRange } from '@artifact-store/blobs'

/** Cuts a range out of bytes that go by, some of which are only stepped over. */
export class RangeCut {
  readonly #range: ByteRange
  /** Where the next byte stands. */
  position: number

  constructor(range: ByteRange, position: number) {
    this.#range = range
    this.position = position
  }

  /** The part of the next bytes that is within the range, perhaps empty. */
  take(bytes: Uint8Array): Uint8Array {
    const { start, end } = this.next(bytes.length)
    this.position += bytes.length
    return bytes.subarray(start, end)
  }

  /** Which of the next `length` bytes are within the range, counted from here. */
  next(length: number): ByteRange {
    const start = Math.min(length, Math.max(0, this.#range.start - this.position))
    return { start, end: Math.max(start, Math.min(length, this.#range.end - this.position)) }
  }

  touches(length: number): boolean {
    const { start, end } = this.next(length)
    return end > start
  }

  get isPast(): boolean {
    return this.position >= this.#range.end
  }
}
