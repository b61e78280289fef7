import { constants, type FileHandle, open } from 'node:fs/promises'
import { isArtifactError } from '@artifact-store/core/errors'
import { onDisk } from './on-disk.ts'
import { writeAll } from './write-all.ts'

/**
 * A second way into a file that is being written, past the page cache (`O_DIRECT`): blocks go from this process to the disk while the next ones arrive,
 * so that nothing is copied once more, the flush at the end finds little to do, and one large file does not push out what others read.
 */
export class DirectFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #path: string
  #direct: FileHandle | undefined
  // Where the system or the file system has no such way, or wants other alignments.
  #refused = constants.O_DIRECT === undefined

  /** @param file the same file, open for writing by its owner. */
  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  /**
   * Writes a block from the pool at a multiple of its size. False where it cannot be written so: then it is to be written as usual.
   * @throws ArtifactError `storage-full`, `backend-unavailable`
   */
  async write(block: Uint8Array, position: number): Promise<boolean> {
    if (this.#refused) return false
    try {
      this.#direct ??= await this.#open()
      await writeAll(this.#direct, this.#path, block, position)
      return true
    } catch (error) {
      if (!isArtifactError(error) || error.details?.['code'] !== 'EINVAL') throw error
      this.#refused = true
      return false
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#direct?.close()
  }

  async #open(): Promise<FileHandle> {
    const { mode } = await onDisk('look at', this.#path, this.#file.stat())
    // Blobs are read-only, for their owner too.
    await onDisk('open', this.#path, this.#file.chmod(mode | 0o200))
    try {
      return await onDisk('open', this.#path, open(this.#path, constants.O_WRONLY | constants.O_DIRECT))
    } finally {
      await onDisk('make read-only', this.#path, this.#file.chmod(mode))
    }
  }
}
