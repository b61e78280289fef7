import { ArtifactError, type Digest } from '@artifact-store/core'
import { abortable } from '../abortable.ts'
import type { BlobEntry, BlobStore, ByteStream } from '../blob-store.ts'
import { clampRange } from '../byte-range.ts'
import { memoryStaging } from '../memory-staging.ts'

/** Bytes of a chunk that a reader gets. */
const chunkSize = 256 * 1024

/** A blob store in this process's memory, for tests and trials: all of it is gone when it is disposed of. */
export async function openMemoryBlobStore(): Promise<BlobStore> {
  const blobs = new Map<Digest, Uint8Array>()
  return {
    staging: memoryStaging({
      keep: (digest, bytes) => void blobs.set(digest, bytes),
      isKept: (digest, size) => blobs.get(digest)?.length === size,
    }),

    async put(bytes, name, { signal } = {}) {
      signal?.throwIfAborted()
      const chunks: Uint8Array[] = []
      for await (const chunk of abortable(bytes, signal)) chunks.push(chunk.slice())
      blobs.set(name(), Buffer.concat(chunks))
    },

    async get(digest, { range, signal } = {}) {
      signal?.throwIfAborted()
      const blob = blobs.get(digest)
      if (blob === undefined)
        throw new ArtifactError('blob-not-found', `there is no blob ${digest} in memory`, { details: { digest } })
      const { start, end } = clampRange(range, blob.length)
      return chunksOf(blob.subarray(start, end), signal)
    },

    async stat(digest, { signal } = {}) {
      signal?.throwIfAborted()
      const blob = blobs.get(digest)
      return blob && { size: blob.length }
    },

    async delete(digest, { signal } = {}) {
      signal?.throwIfAborted()
      return blobs.delete(digest)
    },

    async *list({ after, signal } = {}): AsyncGenerator<BlobEntry, void, void> {
      for (const digest of [...blobs.keys()].sort((a, b) => (a < b ? -1 : 1))) {
        signal?.throwIfAborted()
        const blob = blobs.get(digest)
        if (blob !== undefined && (after === undefined || digest > after)) yield { digest, size: blob.length }
      }
    },

    async probe({ signal } = {}) {
      signal?.throwIfAborted()
    },

    report: () => ({ address: 'memory:', findings: [] }),

    async examine({ signal } = {}) {
      signal?.throwIfAborted()
      return { address: 'memory:', findings: [] }
    },

    async [Symbol.asyncDispose]() {
      blobs.clear()
    },
  }
}

/** Opens `memory:`. @throws ArtifactError `configuration` */
export async function openMemoryUrl(url: URL): Promise<BlobStore> {
  assertMemoryUrl(url)
  return openMemoryBlobStore()
}

/** @throws ArtifactError `configuration` */
export function assertMemoryUrl(url: URL): void {
  if (url.href !== 'memory:')
    throw new ArtifactError('configuration', 'a store in memory has no place and no settings: write memory: and nothing else')
}

// Copies: a reader that changes its chunk must not change the blob.
async function* chunksOf(blob: Uint8Array, signal: AbortSignal | undefined): ByteStream {
  for (let position = 0; position < blob.length; position += chunkSize) {
    signal?.throwIfAborted()
    yield Uint8Array.from(blob.subarray(position, position + chunkSize))
  }
}
