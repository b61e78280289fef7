import { checkedBlobStore, openFsBlobStore, openMemoryBlobStore } from '@artifact-store/blobs'
import { type ArchiveOnceOptions, type ArchiveStore, archiveOnce, keepPartitionsOnce } from '@artifact-store/log'
import type { TestDatabase } from './database.ts'

/** An empty archive, in memory. */
export async function memoryArchive(): Promise<ArchiveStore & AsyncDisposable> {
  return checkedBlobStore(await openMemoryBlobStore())
}

/** The archive in a directory, as several processes may have it. */
export async function directoryArchive(directory: string): Promise<ArchiveStore & AsyncDisposable> {
  return checkedBlobStore(await openFsBlobStore({ directory }))
}

/**
 * Archives every partition that is full, as a log-writer would in the course of weeks: closes it, forgets its keys, writes its segments, detaches it
 * and, unless told to wait, drops it.
 */
export async function archiveFullPartitions(
  database: TestDatabase,
  store: ArchiveStore,
  options: Partial<ArchiveOnceOptions> = {},
): Promise<void> {
  const pool = database.poolFor('log_writer')
  await keepPartitionsOnce(pool, { keySeconds: 0 })
  await archiveOnce(pool, store, { afterSeconds: 0, graceSeconds: 0, eventsPerSecond: 1e9, ...options })
}
