import type { FileHandle } from 'node:fs/promises'
import { onDisk } from './on-disk.ts'

/** Writes all of the bytes: a write may take less than it was given, as the last one before a disk is full does.
 * @param path for the message of an error. @param position where in the file. */
export async function writeAll(handle: FileHandle, path: string, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const rest = bytes.subarray(done)
    const { bytesWritten } = await onDisk('write to', path, handle.write(rest, 0, rest.length, position + done))
    done += bytesWritten
  }
}
