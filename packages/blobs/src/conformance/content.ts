import { setTimeout as wait } from 'node:timers/promises'
import type { Digest } from '@artifact-store/core'
import type { BlobStore, ByteStream } from '../blob-store.ts'
import { hashBytes } from '../hashing.ts'

export const mebibyte = 1024 * 1024

export interface Content {
  readonly bytes: Uint8Array
  readonly digest: Digest
}

/** Bytes that no two blocks of have in common, the same for the same seed (xorshift32), and their digest. */
export async function content(size: number, seed = 1): Promise<Content> {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = Math.imul(seed, 0x9e3779b1) | 1
  for (let i = 0; i < words.length; i += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  const bytes = new Uint8Array(words.buffer, 0, size)
  return { bytes, digest: (await hashBytes(bytes)).digest }
}

/** The bytes in pieces of a socket's size. Each that was not released is wiped when the next is asked for, so a store that keeps
 * chunks is found out. */
export async function* stream(bytes: Uint8Array, chunkSize = 64 * 1024): ByteStream {
  for (let position = 0; position < bytes.length; position += chunkSize) {
    const chunk = bytes.slice(position, position + chunkSize)
    yield chunk
    if (chunk.byteLength > 0) chunk.fill(0)
  }
}

export async function put(store: BlobStore, { bytes, digest }: Content, signal?: AbortSignal): Promise<void> {
  await store.put(stream(bytes), () => digest, { signal })
}

/** All bytes of the stream. It keeps the chunks to the end before it joins them, so a store that reuses its buffers is found out. */
export async function readAll(bytes: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function listed(store: BlobStore, after?: Digest): Promise<readonly Digest[]> {
  const digests: Digest[] = []
  for await (const { digest } of store.list({ after })) digests.push(digest)
  return digests
}

/** A moment in which a store that does more than it was asked to would do it. */
export function aMoment(): Promise<void> {
  return wait(50)
}
