import type { FileHandle } from 'node:fs/promises'
import { release } from '../release.ts'
import { type Segment, stagedInSegments } from '../segments.ts'
import type { StagedBytes, StagedWriter } from '../staging.ts'
import type { BlockPool } from './block-pool.ts'
import { onDisk } from './on-disk.ts'
import { writeAll } from './write-all.ts'

/** Writes a segment on, gathered to whole blocks as `writeGathered` does: one block is filled while the one before is written. */
export class SegmentWriter implements StagedWriter {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #blocks: BlockPool
  readonly #before: readonly Segment[]
  readonly #name: string
  /** Where the next block goes, in bytes of the segment. */
  #position: number
  #filling: Uint8Array
  #filled = 0
  #spare: Uint8Array | undefined
  #written: Promise<void> = Promise.resolve()

  /** @param file the segment, open for writing and cut at its size. @param before the segments in front of it. */
  constructor(file: { handle: FileHandle; path: string; segment: Segment }, before: readonly Segment[], blocks: BlockPool) {
    this.#handle = file.handle
    this.#path = file.path
    this.#name = file.segment.name
    this.#position = file.segment.size
    this.#before = before
    this.#blocks = blocks
    this.#filling = blocks.take()
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const taken = rest.subarray(0, this.#filling.length - this.#filled)
      this.#filling.set(taken, this.#filled)
      this.#filled += taken.length
      rest = rest.subarray(taken.length)
      if (this.#filled === this.#filling.length) await this.#writeOut()
    }
    release(chunk)
  }

  async flush(): Promise<StagedBytes> {
    if (this.#filled > 0) await this.#writeOut()
    await this.#written
    await onDisk('flush', this.#path, this.#handle.datasync())
    return stagedInSegments([...this.#before, { name: this.#name, size: this.#position }])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written.catch(() => undefined)
    this.#blocks.giveBack(this.#filling)
    if (this.#spare !== undefined) this.#blocks.giveBack(this.#spare)
    await this.#handle.close()
  }

  /** Begins to write what was gathered; returns when the block before it is written. */
  async #writeOut(): Promise<void> {
    await this.#written
    const block = this.#filling
    this.#written = writeAll(this.#handle, this.#path, block.subarray(0, this.#filled), this.#position)
    // It is awaited before the next write and by the flush; until then a failure must not count as unhandled.
    this.#written.catch(() => undefined)
    this.#position += this.#filled
    this.#filled = 0
    const empty = this.#spare ?? this.#blocks.takeSecond()
    if (empty === undefined) {
      await this.#written
    } else {
      this.#filling = empty
      this.#spare = block
    }
  }
}
