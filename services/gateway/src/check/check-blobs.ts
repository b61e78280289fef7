import type { BlobEntry, CheckedBlobStore } from '@artifact-store/blobs'
import { type BlobRow, eachStoredBlob, type ViewsDatabase } from '@artifact-store/views'
import type { Finding, Progress } from './finding.ts'

export interface BlobsCheck {
  readonly views: ViewsDatabase
  readonly blobs: CheckedBlobStore
  /** Whether every byte is read and hashed. */
  readonly readBytes: boolean
  readonly progress: Progress
  readonly signal: AbortSignal
}

/**
 * Looks for the bytes of every blob that the log calls stored. Both sides come in the order of the digests, so that one walk over the backend is enough
 * and nothing is held; one that the walk did not meet is asked for by its name before it is called missing, as it may have come meanwhile.
 */
export async function* checkBlobs({ views, blobs, readBytes, progress, signal }: BlobsCheck): AsyncGenerator<Finding> {
  const there = blobs.list({ signal })[Symbol.asyncIterator]()
  try {
    let entry = await there.next()
    for await (const row of eachStoredBlob(views)) {
      signal.throwIfAborted()
      while (!entry.done && entry.value.digest < row.digest) entry = await there.next()
      const found = !entry.done && entry.value.digest === row.digest ? entry.value : await blobs.stat(row.digest, { signal })
      const says = await verdictOn(row, found, { blobs, readBytes, progress, signal })
      if (says !== undefined) yield { part: 'blobs', at: row.digest, says }
      progress.done += 1
    }
  } finally {
    await there.return?.()
  }
}

async function verdictOn(
  { digest, size }: BlobRow,
  found: Pick<BlobEntry, 'size'> | undefined,
  { blobs, readBytes, progress, signal }: Pick<BlobsCheck, 'blobs' | 'readBytes' | 'progress' | 'signal'>,
): Promise<string | undefined> {
  if (found === undefined) return 'its bytes are missing'
  if (found.size !== size) return `it has ${found.size} bytes instead of ${size}`
  if (!readBytes) return undefined
  const finding = await blobs.check(digest, { signal })
  progress.bytes += finding.kind === 'missing' ? 0 : size
  switch (finding.kind) {
    case 'intact':
      return undefined
    case 'missing':
      return 'its bytes are missing'
    case 'different':
      return `its bytes are others: they have the digest ${finding.actualDigest}`
  }
}
