import type { FileHandle } from 'node:fs/promises'
import type { ByteStream } from '../blob-store.ts'
import { release } from '../release.ts'
import { type BlockPool, blockSize } from './block-pool.ts'
import { DirectFile } from './direct-file.ts'
import { writeAll } from './write-all.ts'

/** What a file has at its beginning goes through the page cache, where small and middling ones are found when they are asked for soon. */
export const cachedBytes = 16 * blockSize

/**
 * Writes the whole stream into an empty file, gathered to whole blocks; one is filled, and hashed by whoever made the
 * stream, while the one before is written. It copies and releases each chunk, and pulls the source only while it has room: memory is two blocks, or one where many write.
 * @param path where the file is.
 */
export async function writeGathered(handle: FileHandle, path: string, bytes: ByteStream, blocks: BlockPool): Promise<void> {
  await using direct = new DirectFile(handle, path)
  let filling = blocks.take()
  let filled = 0
  let spare: Uint8Array | undefined
  let position = 0
  let written = Promise.resolve()
  const write = async (block: Uint8Array, at: number): Promise<void> => {
    if (at < cachedBytes || !(await direct.write(block, at))) await writeAll(handle, path, block, at)
  }
  try {
    for await (const chunk of bytes) {
      for (let rest = chunk; rest.length > 0; ) {
        const taken = rest.subarray(0, filling.length - filled)
        filling.set(taken, filled)
        filled += taken.length
        rest = rest.subarray(taken.length)
        if (filled < filling.length) continue
        await written
        written = write(filling, position)
        position += filled
        // It is awaited before the next write, and at the end; until then a failure must not count as unhandled.
        written.catch(() => undefined)
        const empty = spare ?? blocks.takeSecond()
        if (empty === undefined) {
          await written
        } else {
          spare = filling
          filling = empty
        }
        filled = 0
      }
      release(chunk)
    }
    await written
    await writeAll(handle, path, filling.subarray(0, filled), position)
  } finally {
    await written.catch(() => undefined)
    blocks.giveBack(filling)
    if (spare !== undefined) blocks.giveBack(spare)
  }
}
