import type { ByteRange, ByteStream } from '@artifact-store/blobs'
import type { ArchivedFile } from './format.ts'

/** Files up to this size, in bytes, are read before it is their turn, and so many at once: a store answers each of them late, but many together. */
const smallFile = 64 * 1024
const filesAhead = 16

/** Opens the files of a page one after another, and meanwhile reads the small ones that come next. Memory is 1 MiB. */
export class ReadAhead {
  readonly #files: readonly ArchivedFile[]
  readonly #open: (file: ArchivedFile, range: ByteRange) => Promise<ByteStream>
  readonly #ahead = new Map<number, Promise<Uint8Array>>()

  constructor(files: readonly ArchivedFile[], open: (file: ArchivedFile, range: ByteRange) => Promise<ByteStream>) {
    this.#files = files
    this.#open = open
  }

  /** A range of the file with that number. What reading it ahead has thrown is thrown here. */
  async open(index: number, file: ArchivedFile, range: ByteRange): Promise<ByteStream> {
    // Who wants a part of a file may want nothing behind it.
    if (range.start > 0 || range.end < file.size) return this.#open(file, range)
    for (const [offset, next] of this.#files.slice(index, index + filesAhead).entries()) this.#begin(index + offset, next)
    const bytes = this.#ahead.get(index)
    if (bytes === undefined) return this.#open(file, range)
    this.#ahead.delete(index)
    return once(await bytes)
  }

  #begin(index: number, file: ArchivedFile): void {
    if (this.#ahead.has(index) || file.size > smallFile || file.size === 0) return
    const reading = this.#read(file)
    // It is thrown when it is the file's turn, if that ever comes.
    reading.catch(() => undefined)
    this.#ahead.set(index, reading)
  }

  async #read(file: ArchivedFile): Promise<Uint8Array> {
    const bytes = new Uint8Array(file.size)
    let filled = 0
    for await (const chunk of await this.#open(file, { start: 0, end: file.size })) {
      bytes.set(chunk, filled)
      filled += chunk.length
    }
    return bytes
  }
}

async function* once(bytes: Uint8Array): ByteStream {
  yield bytes
}
