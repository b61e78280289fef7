import { checkedBlobStore, openMemoryBlobStore } from '@artifact-store/blobs'
import { type ContentDigests, defaultMediaType } from '@artifact-store/core'
import { createTestDatabase } from '@artifact-store/testkit'
import { afterAll } from 'vitest'
import { createUploads, type NewUpload, type OfferedPiece, type Register, type Upload } from '../src/index.ts'

export const hour = 60 * 60 * 1000

/** A database and a blob store, and any number of processes on both. */
export async function useTestUploads() {
  const database = await createTestDatabase()
  const store = await openMemoryBlobStore()
  afterAll(() => database[Symbol.asyncDispose]())
  const registered: ContentDigests[] = []
  return {
    database,
    store,
    /** What the log was told. */
    registered,
    /** A process of its own: it shares nothing with the others but the database and the bytes. */
    gateway(options: { readonly register?: Register; readonly expiryMs?: number; readonly maxBytes?: number } = {}) {
      const register: Register = async (_, digests) => registered.push(digests)
      return createUploads({
        uploads: checkedBlobStore(store).uploads,
        database: database.poolFor('gateway'),
        register: options.register ?? register,
        expiryMs: options.expiryMs ?? hour,
        maxBytes: options.maxBytes ?? 2 ** 40,
      })
    },
    async row(id: string): Promise<Record<string, unknown>> {
      const { rows } = await database.pool.query('select * from uploads.sessions where upload_id = $1', [id])
      return rows[0]
    },
    async blobs(): Promise<readonly string[]> {
      const digests: string[] = []
      for await (const { digest } of store.list()) digests.push(digest)
      return digests
    },
  }
}

export function newUpload(length: number | undefined, fields: Partial<Omit<NewUpload, 'kind'>> = {}) {
  const kind = { role: 'whole', length } as const
  return { actor: 'ci', metadata: '', expected: [], mediaType: defaultMediaType, target: undefined, ...fields, kind }
}

export function piece(
  offset: number,
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  fields: Partial<OfferedPiece> = {},
): OfferedPiece {
  return {
    offset,
    uploadLength: undefined,
    size: bytes instanceof Uint8Array ? bytes.length : undefined,
    checksum: undefined,
    open: async function* () {
      if (bytes instanceof Uint8Array) yield bytes
      else yield* bytes
    },
    signal: new AbortController().signal,
    ...fields,
  }
}

/** A body that gives `bytes` and then nothing, as a client that has gone to sleep; `wake` ends it. */
export function stalling(bytes: Uint8Array): {
  readonly body: AsyncIterable<Uint8Array>
  readonly started: Promise<void>
  wake(more?: Uint8Array): void
} {
  const started = Promise.withResolvers<void>()
  const woken = Promise.withResolvers<Uint8Array | undefined>()
  async function* body() {
    yield bytes
    started.resolve()
    const more = await woken.promise
    if (more) yield more
  }
  return { body: body(), started: started.promise, wake: more => woken.resolve(more) }
}

export const offsetOf = (upload: Upload) => upload.content.size
