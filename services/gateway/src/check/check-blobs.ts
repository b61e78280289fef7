import type { BlobEntry, BlobStore, CheckedBlobStore } from '@artifact-store/blobs'
import { type BlobRow, eachStoredBlob, type ViewsDatabase } from '@artifact-store/views'
import { type NamedStore, nameOf } from '../stores/named-store.ts'
import type { Finding, Progress } from './finding.ts'

export interface BlobsCheck {
  readonly views: ViewsDatabase
  readonly blobs: CheckedBlobStore
  readonly stores: readonly NamedStore[]
  /** Whether every byte is read and hashed. */
  readonly readBytes: boolean
  readonly progress: Progress
  readonly signal: AbortSignal
}

/**
 * Looks for the bytes of every blob that the log calls stored. Both sides come in the order of the digests, so that one walk over the backend is enough
 * and nothing is held; one that the walk did not meet is asked for by its name before it is called missing, as it may have come meanwhile.
 */
export async function* checkBlobs(check: BlobsCheck): AsyncGenerator<Finding> {
  const { views, blobs, progress, signal } = check
  const there = blobs.list({ signal })[Symbol.asyncIterator]()
  try {
    let entry = await there.next()
    for await (const row of eachStoredBlob(views)) {
      signal.throwIfAborted()
      while (!entry.done && entry.value.digest < row.digest) entry = await there.next()
      const found = !entry.done && entry.value.digest === row.digest ? entry.value : await blobs.stat(row.digest, { signal })
      for await (const says of findingsOn(row, found, check)) yield { part: 'blobs', at: row.digest, says }
      progress.done += 1
    }
  } finally {
    await there.return?.()
  }
}

async function* findingsOn(
  { digest, size }: BlobRow,
  found: Pick<BlobEntry, 'size'> | undefined,
  { blobs, stores, readBytes, progress, signal }: BlobsCheck,
): AsyncGenerator<string> {
  if (found === undefined) return yield 'its bytes are missing'
  const whereIn = (store: BlobStore) => (stores.length === 1 ? '' : ` in ${nameOf(stores, store).place}`)
  if (found.size !== size) {
    for (const { store } of stores) {
      const copy = await store.stat(digest, { signal })
      if (copy !== undefined && copy.size !== size) yield `it has ${copy.size} bytes${whereIn(store)} instead of ${size}`
    }
    return
  }
  if (!readBytes) return
  const copies = await blobs.checkCopies(digest, { signal })
  if (copies.every(({ finding }) => finding.kind === 'missing')) yield 'its bytes are missing'
  for (const { store, finding } of copies) {
    if (finding.kind !== 'missing') progress.bytes += size
    if (finding.kind === 'different') yield `its bytes${whereIn(store)} are others: they have the digest ${finding.actualDigest}`
  }
}
