import { open, rm, stat, statfs, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ArtifactError, type Digest } from '@artifact-store/core'
import { abortable } from '../abortable.ts'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream, Space } from '../blob-store.ts'
import { type ByteRange, clampRange } from '../byte-range.ts'
import type { BackendReport } from '../capability.ts'
import { BlockPool } from '../disk/block-pool.ts'
import { DurableDirectories, makeDurableDirectory, syncDirectory } from '../disk/durable-directory.ts'
import { FsStaging } from '../disk/fs-staging.ts'
import { moveIn } from '../disk/move-in.ts'
import { onDisk, unlessMissing } from '../disk/on-disk.ts'
import { readBlocks } from '../disk/read-blocks.ts'
import { readSmallFile } from '../disk/read-small-file.ts'
import { RecentlyRead } from '../disk/recently-read.ts'
import { collectStaging } from '../disk/staging.ts'
import { walkShards } from '../disk/walk-shards.ts'
import { cachedBytes, writeGathered } from '../disk/write-gathered.ts'
import { replayJournals } from '../journal/replay.ts'
import { SmallBlobs } from '../journal/small-blobs.ts'
import { type BlobLayout, blobLayout, blobPath, shardOf } from '../layout.ts'
import { stagingName, stagingOwner } from '../staging-name.ts'

/**
 * A blob store in a directory of one local file system, laid out as `layout.ts` says. Several processes may share it.
 * A put writes a staging file, flushes it, renames it and flushes the directory: nothing half-written can be found under a
 * digest, and what was acknowledged survives a power failure. Small blobs share their flushes
 * (`journal/small-blobs.ts`). Opening makes the directory, collects what crashed processes left in staging, and puts again what their journals hold.
 * @throws ArtifactError `storage-full`, `backend-unavailable`
 */
export async function openFsBlobStore(options: { readonly directory: string }): Promise<BlobStore> {
  const layout = blobLayout(resolve(options.directory))
  await makeDurableDirectory(layout.directory)
  const directories = new DurableDirectories(layout.directory)
  await directories.ensure(layout.blobs)
  await directories.ensure(layout.staging)
  await directories.ensure(layout.uploads)
  await directories.ensure(layout.journal)
  const owner = await stagingOwner()
  await collectStaging(layout.staging, owner)
  await using opening = new AsyncDisposableStack()
  const store = opening.use(new FsBlobStore(layout, directories, owner))
  await replayJournals(layout, owner, ({ digest, bytes }) => store.putSmall(digest, bytes))
  opening.move()
  return store
}

/** Opens `fs:///var/lib/artifact-store`. @throws ArtifactError `configuration` */
export async function openFsUrl(url: URL): Promise<BlobStore> {
  return openFsBlobStore({ directory: parseFsUrl(url) })
}

/** The directory that it names. @throws ArtifactError `configuration` */
export function parseFsUrl(url: URL): string {
  const plain = url.host === '' && url.search === '' && url.hash === ''
  const directory = plain ? decodePath(url.pathname) : undefined
  if (directory === undefined) {
    throw new ArtifactError(
      'configuration',
      `"${url.href}" names no directory: give an absolute path after three slashes, such as fs:///var/lib/artifact-store`,
    )
  }
  return directory
}

class FsBlobStore implements BlobStore {
  readonly staging: FsStaging
  readonly #layout: BlobLayout
  readonly #directories: DurableDirectories
  readonly #owner: string
  readonly #blocks = new BlockPool()
  readonly #recentlyRead = new RecentlyRead()
  readonly #small: SmallBlobs

  constructor(layout: BlobLayout, directories: DurableDirectories, owner: string) {
    this.#layout = layout
    this.#directories = directories
    this.#owner = owner
    this.#small = new SmallBlobs({ directory: layout.directory, owner })
    this.staging = new FsStaging({
      layout,
      directories,
      blocks: this.#blocks,
      put: (bytes, name, options) => this.put(bytes, name, options),
      stat: (digest, options) => this.stat(digest, options),
    })
  }

  async put(bytes: ByteStream, name: () => Digest, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    const staged = join(this.#layout.staging, stagingName(this.#owner))
    try {
      const digest = await this.#stage(staged, abortable(bytes, signal), name)
      signal?.throwIfAborted()
      await moveIn(this.#layout, this.#directories, staged, digest)
    } catch (error) {
      // What cannot be removed now is collected when a store is next opened here; the first error is the one that counts.
      await rm(staged, { force: true }).catch(() => undefined)
      throw error
    }
  }

  async putSmall(digest: Digest, bytes: Uint8Array, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    await this.#small.put({ digest, bytes })
  }

  async get(digest: Digest, { range, signal }: Abortable & { readonly range?: ByteRange | undefined } = {}): Promise<ByteStream> {
    const there = await this.stat(digest, { signal })
    if (there === undefined) throw this.#missing(digest)
    const part = clampRange(range, there.size)
    const isLarge = part.end - part.start > cachedBytes
    const past = isLarge && !this.#recentlyRead.note(digest) ? this.#blocks : undefined
    return readBlocks(blobPath(this.#layout, digest), { range: part, signal, past })
  }

  async getSmall(digest: Digest, size: number, { signal }: Abortable = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const bytes = await readSmallFile(blobPath(this.#layout, digest), size)
    if (bytes !== undefined) return bytes
    await this.#assertMounted()
    throw this.#missing(digest)
  }

  async stat(digest: Digest, { signal }: Abortable = {}): Promise<BlobStat | undefined> {
    signal?.throwIfAborted()
    const path = blobPath(this.#layout, digest)
    const found = await onDisk('look at', path, unlessMissing(stat(path)))
    if (found === undefined) await this.#assertMounted()
    return found && { size: found.size }
  }

  async delete(digest: Digest, { signal }: Abortable = {}): Promise<boolean> {
    signal?.throwIfAborted()
    const path = blobPath(this.#layout, digest)
    const removed = await onDisk('remove', path, unlessMissing(unlink(path).then(() => true)))
    if (removed === undefined) {
      await this.#assertMounted()
      return false
    }
    await syncDirectory(shardOf(this.#layout, digest))
    return true
  }

  async *list({
    after,
    signal,
  }: Abortable & { readonly after?: Digest | undefined } = {}): AsyncGenerator<BlobEntry, void, void> {
    await this.#assertMounted()
    yield* walkShards(this.#layout, after, signal)
  }

  async probe({ signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    const path = join(this.#layout.staging, stagingName(this.#owner))
    try {
      const handle = await onDisk('make', path, open(path, 'wx'))
      try {
        await onDisk('write to', path, handle.write('probe'))
      } finally {
        await handle.close()
      }
    } finally {
      await onDisk('remove', path, rm(path, { force: true }))
    }
    await this.#assertMounted()
  }

  async space(): Promise<Space> {
    const { bsize, blocks, bavail } = await onDisk('look at', this.#layout.blobs, statfs(this.#layout.blobs))
    return { total: blocks * bsize, free: bavail * bsize }
  }

  report(): BackendReport {
    return { address: pathToFileURL(this.#layout.directory).href.replace('file:', 'fs:'), findings: [] }
  }

  async examine(options: Abortable = {}): Promise<BackendReport> {
    await this.probe(options)
    return { ...this.report(), examinedAt: new Date() }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#small[Symbol.asyncDispose]()
  }

  async #stage(path: string, bytes: ByteStream, name: () => Digest): Promise<Digest> {
    // Read-only for everyone, through the process's umask: nothing writes to a blob again.
    const handle = await onDisk('make', path, open(path, 'wx', 0o444))
    try {
      await writeGathered(handle, path, bytes, this.#blocks)
      // Before the flush: a refused blob need not wait for the disk.
      const digest = name()
      // Together, so that the file system may commit both at once. Whether the directory can be made is found out again by who moves the file there.
      await Promise.all([
        onDisk('flush', path, handle.sync()),
        this.#directories.ensure(shardOf(this.#layout, digest)).catch(() => undefined),
      ])
      return digest
    } finally {
      await handle.close()
    }
  }

  #missing(digest: Digest): ArtifactError {
    return new ArtifactError('blob-not-found', `there is no blob ${digest} in ${this.#layout.directory}`, { details: { digest } })
  }

  // A disk that is not mounted has no blobs either; that must not read as "the blob is gone".
  async #assertMounted(): Promise<void> {
    await onDisk('find the blobs in', this.#layout.blobs, stat(this.#layout.blobs))
  }
}

function decodePath(encoded: string): string | undefined {
  try {
    const path = decodeURIComponent(encoded)
    return path.startsWith('/') && !path.includes('\0') ? path : undefined
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
