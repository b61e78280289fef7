import { type ContentDigests, parseDigest, parseSha256 } from '@artifact-store/core'
import type { HashThreads, Lane } from './hash-threads.ts'

/** What is copied and handed over at once, and how many such blocks a stream has: one is filled while the others are hashed. */
const sharedBlockBytes = 256 * 1024
const blocksPerStream = 3

/** Blocks that no stream has at the moment. */
export class SharedBlocks {
  readonly #idle: SharedArrayBuffer[] = []
  readonly #keep: number

  constructor(keep = 12) {
    this.#keep = keep
  }

  take(): SharedArrayBuffer {
    return this.#idle.pop() ?? new SharedArrayBuffer(sharedBlockBytes)
  }

  giveBack(block: SharedArrayBuffer): void {
    if (this.#idle.length < this.#keep) this.#idle.push(block)
  }
}

/**
 * Hashes one stream on other threads, BLAKE3 and SHA-256 each in a lane of its own. It copies what it is given, and holds at most three
 * blocks: who adds more than the threads can hash waits.
 */
export class ThreadedHasher implements Disposable {
  readonly #blocks: SharedBlocks
  readonly #blake3: Lane
  readonly #sha256: Lane
  /** Blocks that are being hashed, the oldest first. */
  readonly #busy: Promise<void>[] = []
  readonly #free: SharedArrayBuffer[] = []
  #filling: Uint8Array | undefined
  #filled = 0
  #size = 0
  #values: Uint32Array | undefined
  readonly #onDisposed: () => void

  constructor(threads: HashThreads, blocks: SharedBlocks, onDisposed: () => void = () => {}) {
    this.#blocks = blocks
    this.#onDisposed = onDisposed
    this.#blake3 = threads.open('blake3')
    this.#sha256 = threads.open('sha256')
  }

  /** Returns a promise where it has to be waited for before more may be added. */
  update(chunk: Uint8Array): Promise<void> | undefined {
    const block = this.#filling
    if (block === undefined || block.length - this.#filled <= chunk.length) return this.#updateAcross(chunk)
    block.set(chunk, this.#filled)
    this.#filled += chunk.length
    this.#size += chunk.length
    return undefined
  }

  async #updateAcross(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      this.#filling ??= new Uint8Array(await this.#nextBlock())
      const taken = rest.subarray(0, this.#filling.length - this.#filled)
      this.#filling.set(taken, this.#filled)
      this.#filled += taken.length
      this.#size += taken.length
      rest = rest.subarray(taken.length)
      if (this.#filled === this.#filling.length) this.#hashFilled()
    }
  }

  /** Both digests and the size of all that was added. Ends the hasher. */
  async digests(): Promise<ContentDigests> {
    if (this.#filled > 0) this.#hashFilled()
    const [blake3, sha256] = await Promise.all([this.#blake3.digest(), this.#sha256.digest()])
    this.#values = blake3.values
    return { digest: parseDigest(blake3.digest), sha256: parseSha256(sha256.digest), size: this.#size }
  }

  /** To be asked for after `digests()`. */
  blockValues(): Uint32Array | undefined {
    return this.#values
  }

  /** Gives it up, or does nothing more after `digests()`. */
  [Symbol.dispose](): void {
    this.#onDisposed()
    this.#blake3.forget()
    this.#sha256.forget()
    // A block that a thread may still be reading is left to the collector.
    for (const block of this.#free) this.#blocks.giveBack(block)
    this.#free.length = 0
  }

  async #nextBlock(): Promise<SharedArrayBuffer> {
    if (this.#free.length === 0 && this.#busy.length >= blocksPerStream) await this.#busy[0]
    return this.#free.pop() ?? this.#blocks.take()
  }

  #hashFilled(): void {
    const block = this.#filling?.buffer
    if (!(block instanceof SharedArrayBuffer)) return
    const length = this.#filled
    this.#filling = undefined
    this.#filled = 0
    const hashed = Promise.all([this.#blake3.update(block, length), this.#sha256.update(block, length)]).then(() => {
      void this.#busy.shift()
      this.#free.push(block)
    })
    // Whoever waits for room or for the digests is told.
    hashed.catch(() => undefined)
    this.#busy.push(hashed)
  }
}
