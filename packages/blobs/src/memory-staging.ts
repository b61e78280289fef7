import { randomBytes } from 'node:crypto'
import type { Digest } from '@artifact-store/core'
import type { Abortable, ByteStream } from './blob-store.ts'
import { nextSegment, requireUploadName, segmentsOf, stagedBytesGone, stagedInSegments } from './segments.ts'
import type { ResumeOptions, StagedBytes, StagedEntry, StagedWriter, Staging } from './staging.ts'

interface MemoryUpload {
  readonly since: Date
  /** Each segment's bytes. */
  readonly segments: Map<string, Buffer>
}

/** The staging of the store in memory. @param keep makes bytes a blob. @param isKept whether a blob of that size is there. */
export function memoryStaging(store: {
  keep(digest: Digest, bytes: Uint8Array): void
  isKept(digest: Digest, size: number): boolean
}): Staging {
  const uploads = new Map<string, MemoryUpload>()

  function bytesOf(id: string, bytes: StagedBytes): Buffer | undefined {
    const segments = segmentsOf(bytes).map(({ name, size }) => uploads.get(id)?.segments.get(name)?.subarray(0, size))
    const whole = Buffer.concat(segments.filter(segment => segment !== undefined))
    return whole.length === bytes.size ? whole : undefined
  }

  return {
    async resume(id: string, from: StagedBytes, { alone, signal }: ResumeOptions): Promise<StagedWriter> {
      signal?.throwIfAborted()
      const upload = uploads.get(requireUploadName(id)) ?? { since: new Date(), segments: new Map() }
      uploads.set(id, upload)
      const { before, last } = nextSegment(from, alone)
      const name = last?.name ?? randomBytes(8).toString('hex')
      const there = upload.segments.get(name)?.subarray(0, last?.size)
      if (last && there?.length !== last.size) throw stagedBytesGone(id, from)
      const chunks: Uint8Array[] = there ? [there] : []
      return {
        async write(chunk) {
          chunks.push(chunk.slice())
        },
        async flush() {
          const segment = Buffer.concat(chunks.splice(0))
          chunks.push(segment)
          upload.segments.set(name, segment)
          return stagedInSegments([...before, { name, size: segment.length }])
        },
        async [Symbol.asyncDispose]() {},
      }
    },

    async *read(id: string, bytes: StagedBytes, { signal }: Abortable = {}): ByteStream {
      signal?.throwIfAborted()
      const whole = bytesOf(id, bytes)
      if (whole === undefined) throw stagedBytesGone(id, bytes)
      if (whole.length > 0) yield whole
    },

    async publish(id: string, bytes: StagedBytes, digest: Digest, { signal }: Abortable = {}): Promise<void> {
      signal?.throwIfAborted()
      const whole = bytesOf(id, bytes)
      if (whole !== undefined) store.keep(digest, whole)
      else if (!store.isKept(digest, bytes.size)) throw stagedBytesGone(id, bytes)
    },

    async discard(id: string, { signal }: Abortable = {}): Promise<void> {
      signal?.throwIfAborted()
      uploads.delete(id)
    },

    async *list({ signal }: Abortable = {}): AsyncGenerator<StagedEntry, void, void> {
      for (const [id, { since }] of uploads) {
        signal?.throwIfAborted()
        yield { id, since }
      }
    },
  }
}
