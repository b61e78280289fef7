import { constants, type FileHandle, open } from 'node:fs/promises'
import { isArtifactError } from '@artifact-store/core/errors'
import { type ByteRange, clampRange } from '../byte-range.ts'
import { type BlockPool, blockSize, crowd, crowdedBlockSize } from './block-pool.ts'
import { onDisk } from './on-disk.ts'

export interface ReadOptions {
  readonly range?: ByteRange | undefined
  readonly signal?: AbortSignal | undefined
  /** Reads past the page cache, where that can be done, through a block of this pool: what is read once need not push out what is read again. */
  readonly past?: BlockPool | undefined
}

/** Files that this process has open to be read. */
let reading = 0

/**
 * The file's bytes in blocks, each in a buffer of its own; shorter ones where many are read. It opens the file with the first read, reads one block for each
 * that is asked for, or one ahead, and closes the file when it ends, fails or is stopped. A file that ends early ends the stream.
 */
export async function* readBlocks(path: string, { range, signal, past }: ReadOptions): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted()
  const file = await onDisk('open', path, open(path, 'r'))
  reading += 1
  const direct = past && new DirectReader(path, past)
  let ahead: Promise<Uint8Array> | undefined
  try {
    const { size } = await onDisk('look at', path, file.stat())
    const { start, end } = clampRange(range, size)
    const read = async (position: number) => {
      const most = Math.min(reading <= crowd ? blockSize : crowdedBlockSize, end - position)
      return (await direct?.read(position, most)) ?? (await readBlock(file, path, position, most))
    }
    for (let position = start; position < end; ) {
      signal?.throwIfAborted()
      const block = await (ahead ?? read(position))
      ahead = undefined
      if (block.length === 0) return
      position += block.length
      // What comes from the disk itself comes while this block is on its way; the system does as much for what goes through its cache.
      if (direct && position < end && reading <= crowd) {
        ahead = read(position)
        ahead.catch(() => undefined)
      }
      yield block
    }
  } finally {
    reading -= 1
    await ahead?.catch(() => undefined)
    await direct?.close()
    await file.close()
  }
}

async function readBlock(file: FileHandle, path: string, position: number, most: number): Promise<Uint8Array> {
  const block = Buffer.allocUnsafeSlow(most)
  const { bytesRead } = await onDisk('read', path, file.read(block, 0, block.length, position))
  return block.subarray(0, bytesRead)
}

/** What the disks that there are want positions and lengths to be multiples of. */
const alignment = 4096

class DirectReader {
  readonly #path: string
  readonly #blocks: BlockPool
  #block: Uint8Array | undefined
  #file: FileHandle | undefined
  #refused = constants.O_DIRECT === undefined

  constructor(path: string, blocks: BlockPool) {
    this.#path = path
    this.#blocks = blocks
  }

  /** Undefined where it cannot be read so. */
  async read(position: number, most: number): Promise<Uint8Array | undefined> {
    if (this.#refused || position % alignment !== 0) return undefined
    this.#block ??= this.#blocks.take()
    try {
      this.#file ??= await onDisk('open', this.#path, open(this.#path, constants.O_RDONLY | constants.O_DIRECT))
      const whole = Math.min(this.#block.length, Math.ceil(most / alignment) * alignment)
      const { bytesRead } = await onDisk('read', this.#path, this.#file.read(this.#block, 0, whole, position))
      return Buffer.copyBytesFrom(this.#block, 0, Math.min(most, bytesRead))
    } catch (error) {
      if (!isArtifactError(error) || error.details?.['code'] !== 'EINVAL') throw error
      this.#refused = true
      return undefined
    }
  }

  async close(): Promise<void> {
    if (this.#block) this.#blocks.giveBack(this.#block)
    await this.#file?.close()
  }
}
