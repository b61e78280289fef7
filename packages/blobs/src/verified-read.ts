import { ArtifactError, type Digest } from '@artifact-store/core'
import type { ByteStream } from './blob-store.ts'
import type { BlockRecord } from './blocks/block-record.ts'
import type { ByteRange } from './byte-range.ts'
import type { HashKernel } from './hashing/kernel.ts'

export interface WhatItMustBe {
  readonly digest: Digest
  /** Bytes of the whole blob. */
  readonly size: number
  /** The part to yield, within `size`. */
  readonly wanted: ByteRange
  /** Told what proves its blocks, once the whole is proven. */
  readonly onProven?: ((record: BlockRecord) => Promise<void>) | undefined
}

/**
 * Reads a whole blob and yields the wanted part of it, its last chunk only when the blob has proven to be the right one.
 * @throws ArtifactError `blob-corrupt`
 */
export async function* verified(
  blob: ByteStream,
  { digest, size, wanted, onProven }: WhatItMustBe,
  kernel: HashKernel,
): AsyncGenerator<Uint8Array, void, void> {
  const hasher = await kernel.stream()
  let position = 0
  let held: Uint8Array | undefined
  for await (const chunk of blob) {
    const after = position + chunk.length
    if (after > size) throw wrongSize(digest, size, after)
    hasher.update(chunk)
    const piece = chunk.subarray(Math.max(0, wanted.start - position), Math.max(0, wanted.end - position))
    position = after
    if (piece.length === 0) continue
    if (held !== undefined) yield held
    held = piece
  }
  if (position !== size) throw wrongSize(digest, size, position)
  const actual = hasher.digest()
  if (actual !== digest) throw wrongDigest(digest, actual)
  const values = hasher.values?.()
  if (values) await onProven?.({ values })
  if (held !== undefined) yield held
}

export function wrongDigest(digest: Digest, actual: Digest): ArtifactError {
  return new ArtifactError(
    'blob-corrupt',
    `the blob ${digest} is damaged: the backend gave bytes whose digest is ${actual}; upload the file again to heal it`,
    { details: { digest, actual } },
  )
}

/** @param receivedBytes those so far when there are too many. */
export function wrongSize(digest: Digest, expectedBytes: number, receivedBytes: number): ArtifactError {
  return new ArtifactError(
    'blob-corrupt',
    `the blob ${digest} is damaged: it has ${expectedBytes} bytes and the backend gave ${receivedBytes}${receivedBytes > expectedBytes ? ' or more' : ''}; upload the file again to heal it`,
    { details: { digest, expectedBytes, receivedBytes } },
  )
}
