import { setTimeout as wait } from 'node:timers/promises'
import type { BlobStore, ByteStream, CheckedBlobStore } from '@artifact-store/blobs'
import { ArtifactError, type Digest, isArtifactError } from '@artifact-store/core'
import { decodePage, encodePage, pageRange, sumUp } from './checksum-pages.ts'
import type { ArchivedFile } from './format.ts'

/** A finalized package and its files, page by page. */
interface SealedFiles {
  readonly manifest: Digest
  pages(): AsyncIterable<readonly ArchivedFile[]>
}

/** The CRC-32 of the files of packages, which a zip has to name before their bytes. */
export interface PackageChecksums {
  /**
   * Resolves when they are at hand. The first who asks for a package has all of its files read, once; that goes on when it is not waited for any more.
   * @throws ArtifactError `overloaded` when it takes longer than a client should wait: ask again; what reading the files throws.
   */
  ready(files: SealedFiles): Promise<void>
  /** Those of one page of files. */
  page(manifest: Digest, index: number, files: readonly ArchivedFile[]): Promise<Uint32Array>
}

/** How long a client waits for the checksums of a package, in milliseconds; below the patience of common proxies. */
const patienceMs = 50_000

/**
 * @param store where they are kept, under the digest of the package's manifest: one object a package, which can be made again at any time (ADR 0024).
 * @param signal ends what is under way.
 */
export function packageChecksums(
  { store, blobs }: { readonly store: BlobStore; readonly blobs: Pick<CheckedBlobStore, 'get'> },
  signal: AbortSignal,
): PackageChecksums {
  const underWay = new Map<Digest, Promise<void>>()
  let last: Promise<unknown> = Promise.resolve()

  async function* summedUp({ manifest, pages }: SealedFiles): ByteStream {
    let index = 0
    for await (const files of pages()) {
      yield encodePage(manifest, index, await sumUp(blobs, files, signal))
      index += 1
    }
  }

  async function make(files: SealedFiles): Promise<void> {
    try {
      await store.put(summedUp(files), () => files.manifest, { signal })
    } catch (error) {
      // They are a convenience: without them, the files of a page are read when the page is sent.
      if (!isArtifactError(error, 'storage-full')) throw error
    }
  }

  /** One package after another: each keeps the disk busy by itself. */
  function begin(files: SealedFiles): Promise<void> {
    const making = last.then(() => make(files)).finally(() => underWay.delete(files.manifest))
    last = making.catch(() => undefined)
    underWay.set(files.manifest, making)
    return making
  }

  return {
    async ready(files) {
      if ((await store.stat(files.manifest)) !== undefined) return
      const making = underWay.get(files.manifest) ?? begin(files)
      const done = new AbortController()
      const late = wait(patienceMs, 'late' as const, { signal: AbortSignal.any([done.signal, signal]) })
      try {
        if ((await Promise.race([making, late])) !== 'late') return
      } finally {
        done.abort()
        late.catch(() => undefined)
      }
      making.catch(() => undefined)
      throw new ArtifactError(
        'overloaded',
        'the checksums for this archive are still being computed, for the first time: ask again',
      )
    },

    async page(manifest, index, files) {
      const kept = await readPage(store, manifest, index, files.length, signal)
      if (kept !== undefined) return kept
      // What is damaged is made again by who asks next.
      await store.delete(manifest)
      return sumUp(blobs, files, signal)
    },
  }
}

async function readPage(
  store: BlobStore,
  manifest: Digest,
  index: number,
  files: number,
  signal: AbortSignal,
): Promise<Uint32Array | undefined> {
  const range = pageRange(index, files)
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of await store.get(manifest, { range, signal })) {
      length += chunk.length
      if (length > range.end - range.start) return undefined
      chunks.push(chunk)
    }
  } catch (error) {
    if (isArtifactError(error, 'blob-not-found')) return undefined
    throw error
  }
  return decodePage(manifest, index, Buffer.concat(chunks), files)
}
