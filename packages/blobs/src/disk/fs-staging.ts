import { randomBytes } from 'node:crypto'
import { chmod, type FileHandle, open, opendir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isArtifactError, isErrno } from '@artifact-store/core'
import type { Abortable, BlobStore, ByteStream } from '../blob-store.ts'
import type { BlobLayout } from '../layout.ts'
import { isUploadName, nextSegment, requireUploadName, type Segment, segmentsOf, stagedBytesGone } from '../segments.ts'
import type { ResumeOptions, StagedBytes, StagedEntry, StagedWriter, Staging } from '../staging.ts'
import type { BlockPool } from './block-pool.ts'
import { type DurableDirectories, syncDirectory } from './durable-directory.ts'
import { moveIn } from './move-in.ts'
import { onDisk, unlessMissing } from './on-disk.ts'
import { readBlocks } from './read-blocks.ts'
import { SegmentWriter } from './segment-writer.ts'

/** What the store in a directory lends to its staging. */
interface Host extends Pick<BlobStore, 'put' | 'stat'> {
  readonly layout: BlobLayout
  readonly directories: DurableDirectories
  readonly blocks: BlockPool
}

/**
 * The staging of the store in a directory: each upload has a directory of its own with its segments. An upload of one segment becomes a blob
 * by being moved; one of several is copied together first.
 */
export class FsStaging implements Staging {
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  async resume(id: string, from: StagedBytes, { alone, signal }: ResumeOptions): Promise<StagedWriter> {
    signal?.throwIfAborted()
    const { before, last } = nextSegment(from, alone)
    const segment = last ?? { name: randomBytes(8).toString('hex'), size: 0 }
    const path = this.#pathOf(id, segment)
    const handle = last ? await this.#reopen(path, last) : await this.#make(id, path)
    if (handle === undefined) throw stagedBytesGone(id, from)
    return new SegmentWriter({ handle, path, segment }, before, this.#host.blocks)
  }

  async *read(id: string, bytes: StagedBytes, { signal }: Abortable = {}): ByteStream {
    let received = 0
    for (const segment of segmentsOf(bytes)) {
      const path = this.#pathOf(id, segment)
      if ((await this.#sizeOf(path)) === undefined) throw stagedBytesGone(id, bytes)
      for await (const block of readBlocks(path, { range: { start: 0, end: segment.size }, signal })) {
        received += block.length
        yield block
      }
    }
    if (received !== bytes.size) throw stagedBytesGone(id, bytes)
  }

  async publish(id: string, bytes: StagedBytes, digest: Digest, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    const [only, ...others] = segmentsOf(bytes)
    if (only && others.length === 0 && (await this.#moveIn(this.#pathOf(id, only), only, digest))) return
    try {
      await this.#host.put(this.read(id, bytes, { signal }), () => digest, { signal })
    } catch (error) {
      if (!isArtifactError(error, 'blob-corrupt')) throw error
      // It was moved by someone who did not come to say so.
      if ((await this.#host.stat(digest, { signal }))?.size !== bytes.size) throw error
    }
  }

  async discard(id: string, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    const directory = this.#directoryOf(id)
    await onDisk('remove', directory, rm(directory, { recursive: true, force: true }))
  }

  async *list({ signal }: Abortable = {}): AsyncGenerator<StagedEntry, void, void> {
    const { uploads } = this.#host.layout
    for await (const { name } of await onDisk('list', uploads, opendir(uploads))) {
      signal?.throwIfAborted()
      if (!isUploadName(name)) continue
      const found = await onDisk('look at', join(uploads, name), unlessMissing(stat(join(uploads, name))))
      if (found?.isDirectory()) yield { id: name, since: found.mtime }
    }
  }

  async #make(id: string, path: string): Promise<FileHandle> {
    const { directories } = this.#host
    const directory = this.#directoryOf(id)
    await directories.ensureOnce(directory)
    const handle = await onDisk('make', path, open(path, 'wx', 0o600))
    await syncDirectory(directory)
    return handle
  }

  async #reopen(path: string, { size }: Segment): Promise<FileHandle | undefined> {
    const handle = await onDisk('open', path, unlessMissing(open(path, 'r+')))
    if (handle === undefined) return undefined
    try {
      const there = (await onDisk('look at', path, handle.stat())).size
      if (there > size) await onDisk('cut', path, handle.truncate(size))
      if (there >= size) return handle
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return undefined
  }

  /** False when the file is not there, or not as it should be. */
  async #moveIn(path: string, { size }: Segment, digest: Digest): Promise<boolean> {
    if ((await this.#sizeOf(path)) !== size) return false
    try {
      await onDisk('make read-only', path, chmod(path, 0o444))
      await moveIn(this.#host.layout, this.#host.directories, path, digest)
      return true
    } catch (error) {
      // Someone else has just moved it.
      if (isArtifactError(error) && isErrno(error.cause, 'ENOENT') && (await this.#sizeOf(path)) === undefined) return false
      throw error
    }
  }

  async #sizeOf(path: string): Promise<number | undefined> {
    return (await onDisk('look at', path, unlessMissing(stat(path))))?.size
  }

  #directoryOf(id: string): string {
    return join(this.#host.layout.uploads, requireUploadName(id))
  }

  #pathOf(id: string, { name }: Segment): string {
    return join(this.#directoryOf(id), `${name}.part`)
  }
}
