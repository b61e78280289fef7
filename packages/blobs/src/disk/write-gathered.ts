import type { FileHandle } from 'node:fs/promises'
import type { ByteStream } from '../blob-store.ts'
import { release } from '../release.ts'
import type { BlockPool } from './block-pool.ts'
import { onDisk } from './on-disk.ts'

/**
 * Writes the whole stream at the handle's position, gathered to whole blocks; one is filled, and hashed by whoever made the
 * stream, while the one before is written. It copies and releases each chunk, and pulls the source only while it has room: memory is two blocks.
 * @param path for the message of an error.
 */
export async function writeGathered(handle: FileHandle, path: string, bytes: ByteStream, blocks: BlockPool): Promise<void> {
  let filling = blocks.take()
  let filled = 0
  let spare: Uint8Array | undefined
  let written = Promise.resolve()
  try {
    for await (const chunk of bytes) {
      for (let rest = chunk; rest.length > 0; ) {
        const taken = rest.subarray(0, filling.length - filled)
        filling.set(taken, filled)
        filled += taken.length
        rest = rest.subarray(taken.length)
        if (filled < filling.length) continue
        await written
        written = writeAll(handle, path, filling)
        // It is awaited before the next write, and at the end; until then a failure must not count as unhandled.
        written.catch(() => undefined)
        const empty = spare ?? blocks.take()
        spare = filling
        filling = empty
        filled = 0
      }
      release(chunk)
    }
    await written
    await writeAll(handle, path, filling.subarray(0, filled))
  } finally {
    await written.catch(() => undefined)
    blocks.giveBack(filling)
    if (spare !== undefined) blocks.giveBack(spare)
  }
}

/** Writes all of the bytes: a write may take less than it was given, as the last one before a disk is full does.
 * @param position where in the file; where the last write ended when absent. */
export async function writeAll(handle: FileHandle, path: string, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const rest = bytes.subarray(done)
    const at = position === undefined ? null : position + done
    const { bytesWritten } = await onDisk('write to', path, handle.write(rest, 0, rest.length, at))
    done += bytesWritten
  }
}
