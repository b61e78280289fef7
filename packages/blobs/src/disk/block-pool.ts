/** What is read and written at once: 1 MiB. Gathering the 64 KiB of a socket to this made uploads to a file three times faster. */
export const blockSize = 1024 * 1024
/** The same where many read or write at once: memory has to be bounded, and together they keep the disk busy with less each. */
export const crowdedBlockSize = blockSize / 8
/** From so many on. */
export const crowd = 8

/** What WebAssembly counts memory in. */
const pageBytes = 64 * 1024

/** Of the engine; TypeScript knows it with the types of a browser only. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer }
}

/** One piece of memory, cut into blocks of one size. */
interface Slab {
  readonly blockSize: number
  readonly count: number
  /** Those that are not lent. */
  readonly idle: Uint8Array[]
}

/**
 * Blocks to gather writes in, each at an address that direct writes take: memory of WebAssembly is the only one in Node that begins
 * with a page. Lent blocks are as many as there are writers; of idle ones a slab is kept, so that a burst of small blobs neither allocates nor
 * zeroes a mebibyte for each.
 */
export class BlockPool {
  readonly #slabs = new Map<ArrayBufferLike, Slab>()
  #lent = 0

  /** A block of `blockSize`, or of `crowdedBlockSize` where many are lent. */
  take(): Uint8Array {
    const size = this.#lent < crowd ? blockSize : crowdedBlockSize
    this.#lent += 1
    let fullest: Slab | undefined
    for (const slab of this.#slabs.values())
      if (slab.blockSize === size && slab.idle.length > 0 && (fullest === undefined || slab.idle.length < fullest.idle.length))
        fullest = slab
    return (fullest ?? this.#addSlab(size)).idle.pop() as Uint8Array
  }

  /** A second block for a writer, to be filled while the first is written; none where many write. */
  takeSecond(): Uint8Array | undefined {
    return this.#lent < crowd ? this.take() : undefined
  }

  giveBack(block: Uint8Array): void {
    const slab = this.#slabs.get(block.buffer)
    if (slab === undefined) throw new RangeError('this block is of another pool')
    this.#lent -= 1
    slab.idle.push(block)
    if (slab.idle.length < slab.count) return
    const othersIdle = [...this.#slabs.values()].some(
      other => other !== slab && other.blockSize === blockSize && other.idle.length > 0,
    )
    if (othersIdle || slab.blockSize !== blockSize) this.#slabs.delete(block.buffer)
  }

  #addSlab(size: number): Slab {
    const bytes = crowd * size
    const { buffer } = new WebAssembly.Memory({ initial: bytes / pageBytes, maximum: bytes / pageBytes })
    const idle = Array.from({ length: crowd }, (_, i) => new Uint8Array(buffer, i * size, size))
    const slab = { blockSize: size, count: crowd, idle }
    this.#slabs.set(buffer, slab)
    return slab
  }
}
