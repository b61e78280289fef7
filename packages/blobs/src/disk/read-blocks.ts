import { open } from 'node:fs/promises'
import { type ByteRange, clampRange } from '../byte-range.ts'
import { blockSize, crowd, crowdedBlockSize } from './block-pool.ts'
import { onDisk } from './on-disk.ts'

/** Files that this process has open to be read. */
let reading = 0

/**
 * The file's bytes in blocks, each in a buffer of its own; shorter ones where many are read. It opens the file with the first read, reads one block for each
 * that is asked for, and closes the file when it ends, fails or is stopped. A file that ends early ends the stream.
 */
export async function* readBlocks(
  path: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted()
  const handle = await onDisk('open', path, open(path, 'r'))
  reading += 1
  try {
    const { size } = await onDisk('look at', path, handle.stat())
    const { start, end } = clampRange(range, size)
    for (let position = start; position < end; ) {
      signal?.throwIfAborted()
      const block = Buffer.allocUnsafeSlow(Math.min(reading <= crowd ? blockSize : crowdedBlockSize, end - position))
      const { bytesRead } = await onDisk('read', path, handle.read(block, 0, block.length, position))
      if (bytesRead === 0) return
      position += bytesRead
      yield block.subarray(0, bytesRead)
    }
  } finally {
    reading -= 1
    await handle.close()
  }
}
