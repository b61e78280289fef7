import type { Digest } from '@artifact-store/core'
import type { Abortable, BlobStore, ByteStream } from './blob-store.ts'

/** The bytes of a blob that is known to be small, as the backend has them. @throws what its get throws */
export async function readBlob(store: BlobStore, digest: Digest, options: Abortable): Promise<Uint8Array> {
  return gathered(await store.get(digest, options))
}

/** All of a stream that is known to be short. */
export async function gathered(bytes: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}
