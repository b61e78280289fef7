import { close, open, read } from 'node:fs'
import { promisify } from 'node:util'
import { onDisk, unlessMissing } from './on-disk.ts'

// By number and not by handle: making and closing an object for each small file would cost as much as reading it.
const openFile = promisify(open)
const readFrom = promisify(read)
const closeFile = promisify(close)

/**
 * The bytes of a file that should have `size` of them; of one that has more, one byte more. Undefined where there is no such file.
 * @throws ArtifactError `backend-unavailable`
 */
export async function readSmallFile(path: string, size: number): Promise<Uint8Array | undefined> {
  const file = await onDisk('open', path, unlessMissing(openFile(path, 'r')))
  if (file === undefined) return undefined
  try {
    const bytes = Buffer.allocUnsafe(size + 1)
    let length = 0
    // A read that gives less than it was asked for has met the end.
    while (length !== size || size === 0) {
      const { bytesRead } = await onDisk('read', path, readFrom(file, bytes, length, bytes.length - length, length))
      length += bytesRead
      if (bytesRead === 0 || length > size) break
    }
    return bytes.subarray(0, length)
  } finally {
    await closeFile(file)
  }
}
