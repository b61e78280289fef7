import { Readable } from 'node:stream'
import { type AnyDigest, ArtifactError, type ContentDigests, isBlake3 } from '@artifact-store/core'
import { abortable } from './abortable.ts'
import { type BlobStore, type ByteStream, smallBlobBytes } from './blob-store.ts'
import type { BlockRecords } from './blocks/block-records.ts'
import type { CheckedPut } from './checked.ts'
import type { ContentHashing } from './hashing/content-hashing.ts'
import { hashBytes } from './hashing.ts'

/** What is known of the bytes once the last one has gone by. */
interface Body {
  digests?: ContentDigests
  /** The chaining values of its blocks, where the kernel tells them. */
  values?: Uint32Array | undefined
}

/** What a checked store is made of. */
export interface CheckedParts {
  readonly store: BlobStore
  readonly records: BlockRecords
  readonly hashing: ContentHashing
}

/** The put of `CheckedBlobStore`: hashes what streams into the backend and names it only if it is what was announced. */
export async function checkedPut(parts: CheckedParts, bytes: ByteStream, options: CheckedPut): Promise<ContentDigests> {
  const { size, signal } = options
  if (parts.store.putSmall === undefined || size === undefined || size > smallBlobBytes) return stream(parts, bytes, options)
  return checkedPutBytes(parts, await gather(bytes, size, signal), options)
}

async function stream(
  { store, records, hashing }: CheckedParts,
  bytes: ByteStream,
  options: CheckedPut,
): Promise<ContentDigests> {
  const { size, signal } = options
  const body: Body = {}
  let stored: ContentDigests | undefined
  let recorded: Promise<void> | undefined
  const name = () => {
    const { digests } = body
    if (!digests) throw new ArtifactError('internal', 'the blob backend asked for a name before it had read the last byte')
    for (const expected of options.expect ?? []) assertDigest(expected, digests)
    stored = digests
    // Beside the flush of the blob, not after it.
    if (body.values && records.covers(digests.size)) recorded = records.keep(digests, { values: body.values })
    recorded?.catch(() => undefined)
    return digests.digest
  }
  await store.put(hashed(bytes, hashing, size, body), name, { signal })
  await recorded
  if (stored === undefined) throw new ArtifactError('internal', 'the blob backend kept bytes without asking for their name')
  return stored
}

/** The same for bytes that are in memory. */
export async function checkedPutBytes(
  parts: CheckedParts,
  bytes: Uint8Array,
  { expect = [], size = bytes.length, signal }: CheckedPut,
): Promise<ContentDigests> {
  if (bytes.length !== size) throw wrongLength(size, bytes.length)
  const { store, hashing } = parts
  if (store.putSmall === undefined || size > smallBlobBytes)
    // A copy: a backend releases what it was given.
    return stream(parts, Readable.from([Buffer.copyBytesFrom(bytes)]), { expect, size, signal })
  const digests = await hashBytes(bytes, hashing.kernel)
  for (const expected of expect) assertDigest(expected, digests)
  await store.putSmall(digests.digest, bytes, { signal })
  return digests
}

/** A body that was announced as a small one, whole. */
async function gather(bytes: ByteStream, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let received = 0
  for await (const chunk of abortable(bytes, signal)) {
    received += chunk.length
    if (received > size) throw wrongLength(size, received)
    chunks.push(chunk)
  }
  const [first = new Uint8Array(), ...others] = chunks
  return others.length === 0 ? first : Buffer.concat(chunks)
}

async function* hashed(bytes: ByteStream, hashing: ContentHashing, size: number | undefined, body: Body): ByteStream {
  using hasher = await hashing.open(size)
  let received = 0
  for await (const chunk of bytes) {
    received += chunk.length
    // At once: an endless body must not be read to its end.
    if (size !== undefined && received > size) throw wrongLength(size, received)
    const room = hasher.update(chunk)
    if (room) await room
    yield chunk
  }
  if (size !== undefined && received !== size) throw wrongLength(size, received)
  body.digests = await hasher.digests()
  body.values = hasher.blockValues()
}

function wrongLength(expectedBytes: number, receivedBytes: number): ArtifactError {
  const what = receivedBytes < expectedBytes ? `ended after ${receivedBytes} bytes` : `went on to ${receivedBytes} bytes or more`
  return new ArtifactError(
    'body-incomplete',
    `the body was announced with ${expectedBytes} bytes and ${what}; nothing was kept, send it again`,
    {
      details: { expectedBytes, receivedBytes },
    },
  )
}

/** @throws ArtifactError `digest-mismatch` */
export function assertDigest(expected: AnyDigest, digests: ContentDigests): void {
  const actual = isBlake3(expected) ? digests.digest : digests.sha256
  if (actual === expected) return
  throw new ArtifactError(
    'digest-mismatch',
    `the body was announced as ${expected} and is ${actual}; nothing was kept, send the right bytes or the right digest`,
    {
      details: { expected, actual },
    },
  )
}
