import { type AnyDigest, ArtifactError, type ContentDigests, isBlake3 } from '@artifact-store/core'
import type { BlobStore, ByteStream } from './blob-store.ts'
import type { BlockRecords } from './blocks/block-records.ts'
import type { CheckedPut } from './checked.ts'
import { type ContentHasher, createContentHasher } from './hashing.ts'

interface Progress {
  complete: boolean
}

/** The put of `CheckedBlobStore`: hashes what streams into the backend and names it only if it is what was announced. */
export async function checkedPut(
  { store, records }: { readonly store: BlobStore; readonly records: BlockRecords },
  bytes: ByteStream,
  options: CheckedPut,
): Promise<ContentDigests> {
  const hasher = await createContentHasher()
  const body: Progress = { complete: false }
  let stored: ContentDigests | undefined
  let recorded: Promise<void> | undefined
  const name = () => {
    if (!body.complete) throw new ArtifactError('internal', 'the blob backend asked for a name before it had read the last byte')
    const digests = hasher.digests()
    for (const expected of options.expect ?? []) assertDigest(expected, digests)
    stored = digests
    // Beside the flush of the blob, not after it.
    if (records.covers(digests.size)) recorded = records.keep(digests, { values: hasher.blockValues() })
    recorded?.catch(() => undefined)
    return digests.digest
  }
  await store.put(hashed(bytes, hasher, options.size, body), name, { signal: options.signal })
  await recorded
  if (stored === undefined) throw new ArtifactError('internal', 'the blob backend kept bytes without asking for their name')
  return stored
}

async function* hashed(bytes: ByteStream, hasher: ContentHasher, size: number | undefined, body: Progress): ByteStream {
  let received = 0
  for await (const chunk of bytes) {
    received += chunk.length
    // At once: an endless body must not be read to its end.
    if (size !== undefined && received > size) throw wrongLength(size, received)
    hasher.update(chunk)
    yield chunk
  }
  if (size !== undefined && received !== size) throw wrongLength(size, received)
  body.complete = true
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
