import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { onDiskSync } from '../disk/on-disk.ts'

/** A file of the journal that is being written. Every call waits for the disk: it belongs on a thread of its own. */
export class Segment {
  readonly path: string
  readonly #descriptor: number
  #length = 0

  /** Makes the file, whose name is durable when this returns. */
  constructor(path: string) {
    this.path = path
    this.#descriptor = onDiskSync('make', path, () => openSync(path, 'wx', 0o600))
    syncDirectorySync(dirname(path))
  }

  get length(): number {
    return this.#length
  }

  /** Adds the bytes; they are durable when this returns, and not in the file when it throws. */
  append(bytes: Uint8Array): void {
    try {
      onDiskSync('write to', this.path, () => {
        for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done)
        fdatasyncSync(this.#descriptor)
      })
    } catch (error) {
      // What comes after a record that is cut off could not be read.
      ftruncateSync(this.#descriptor, this.#length)
      throw error
    }
    this.#length += bytes.length
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

function syncDirectorySync(path: string): void {
  const descriptor = onDiskSync('open the directory', path, () => openSync(path, 'r'))
  try {
    onDiskSync('flush the directory', path, () => fsyncSync(descriptor))
  } finally {
    closeSync(descriptor)
  }
}
