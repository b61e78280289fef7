import type { ByteStream } from '../blob-store.ts'
import { release } from '../release.ts'
import type { PartMemory } from './part-memory.ts'

/** A piece of a body, as large as a part of a multipart upload. */
export interface Part {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
  /** Nothing comes after it. */
  readonly last: boolean
  /** To be called when the bytes are needed no more, once or more often: the next part may wait for it. */
  release(): void
}

/** What a first part begins with: a small blob takes no more memory than it needs. */
const firstBlock = 64 * 1024

/** Parts grow where a blob has very many, since S3 takes no more than 10,000: these make 4 TiB out of parts of 8 MiB. */
function partSizeOf(number: number, partSize: number): number {
  return partSize * 2 ** Math.max(0, Math.floor((number - 1) / 1000) - 1)
}

/**
 * Cuts a stream into parts, of which the last may be empty only if it is the first. It copies and releases each chunk, and pulls the source only while it
 * has room.
 */
export async function* partsOf(bytes: ByteStream, memory: PartMemory): AsyncGenerator<Part, void, void> {
  const source = bytes[Symbol.asyncIterator]()
  const held = new HeldParts(memory)
  let chunk: Uint8Array = Buffer.alloc(0)
  let rest = chunk
  let ended = false
  const pull = async () => {
    release(chunk)
    const item = await source.next()
    ended = item.done === true
    if (item.done !== true) rest = chunk = item.value
  }
  let buffer: Buffer | undefined
  try {
    for (let number = 1; ; number += 1) {
      const size = partSizeOf(number, memory.partSize)
      buffer = await held.take(number === 1 ? Math.min(firstBlock, size) : size)
      let filled = 0
      while (!ended && (filled < size || rest.length === 0)) {
        if (rest.length === 0) {
          await pull()
          continue
        }
        if (filled === buffer.length) buffer = held.grow(buffer, Math.min(buffer.length * 4, size))
        const taken = rest.subarray(0, buffer.length - filled)
        buffer.set(taken, filled)
        filled += taken.length
        rest = rest.subarray(taken.length)
      }
      const full = buffer
      buffer = undefined
      yield { number, bytes: full.subarray(0, filled), last: ended, release: held.releaseOf(full) }
      if (ended) return
    }
  } finally {
    if (buffer !== undefined) held.giveBack(buffer)
    if (!ended) await source.return?.()
  }
}

/** The parts of one upload that are in memory. */
class HeldParts {
  readonly #memory: PartMemory
  #held = 0
  #released = Promise.withResolvers<void>()

  constructor(memory: PartMemory) {
    this.#memory = memory
  }

  async take(size: number): Promise<Buffer> {
    while (!this.#memory.allows(this.#held)) await this.#released.promise
    this.#held += 1
    return this.#memory.take(size)
  }

  grow(buffer: Buffer, size: number): Buffer {
    const larger = this.#memory.take(size)
    buffer.copy(larger)
    this.#memory.giveBack(buffer)
    return larger
  }

  releaseOf(buffer: Buffer): () => void {
    let released = false
    return () => {
      if (!released) this.giveBack(buffer)
      released = true
    }
  }

  giveBack(buffer: Buffer): void {
    this.#held -= 1
    this.#memory.giveBack(buffer)
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }
}
