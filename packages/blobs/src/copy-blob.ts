import type { Abortable, BlobEntry, BlobStore } from './blob-store.ts'
import { smallBlobBytes } from './blob-store.ts'
import { type CheckedBlobStore, type CheckedOptions, checkedBlobStore } from './checked.ts'
import { readBlob } from './read-blob.ts'

/**
 * Copies one blob, proven by its digest on its way and durable when this resolves. What the target has under that digest is replaced.
 * @throws ArtifactError `digest-mismatch` or `body-incomplete` when the source does not have the bytes that the name says, then nothing is kept; what the source or the target
 * throws.
 */
export async function copyBlob(
  from: BlobStore,
  to: BlobStore,
  blob: BlobEntry,
  { signal, ...proof }: Abortable & CheckedOptions = {},
): Promise<void> {
  // Without disposing of it: the target is the caller's.
  await putCopy(from, checkedBlobStore(to, proof), blob, { signal })
}

/** The same into a store that checks already. */
export async function putCopy(
  from: BlobStore,
  to: Pick<CheckedBlobStore, 'put' | 'putBytes'>,
  { digest, size }: BlobEntry,
  { signal }: Abortable,
): Promise<void> {
  if (size <= smallBlobBytes) await to.putBytes(await readBlob(from, digest, { signal }), { expect: [digest], signal })
  else await to.put(await from.get(digest, { signal }), { expect: [digest], size, signal })
}
