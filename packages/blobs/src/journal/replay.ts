import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { onDisk, unlessMissing } from '../disk/on-disk.ts'
import { isAbandoned } from '../disk/staging.ts'
import { hashBytes } from '../hashing.ts'
import type { BlobLayout } from '../layout.ts'
import { isOrphan } from '../staging-name.ts'
import { decodeRecords, type JournalRecord } from './record.ts'

/**
 * Puts again what the journals of other processes hold: after a power failure their blobs may be missing or empty. A journal is removed when
 * its process has certainly ended; one that another machine or container may be writing is left to it.
 * @param put makes a blob durable.
 */
export async function replayJournals(
  layout: BlobLayout,
  owner: string,
  put: (record: JournalRecord) => Promise<void>,
): Promise<void> {
  for (const name of await onDisk('list', layout.journal, readdir(layout.journal))) {
    const orphan = isOrphan(name, owner)
    // A process of this very system that lives: the system has not failed since, and what it wrote is there.
    if (!orphan && name.startsWith(`${owner}.`)) continue
    const path = join(layout.journal, name)
    const journal = await onDisk('read', path, unlessMissing(readFile(path)))
    if (journal === undefined) continue
    for (const record of decodeRecords(journal)) {
      // A record that was never finished was never answered for, and neither is what comes behind it.
      if ((await hashBytes(record.bytes)).digest !== record.digest) break
      await put(record)
    }
    if (orphan || (await isAbandoned(path, Date.now()))) await onDisk('remove', path, rm(path, { force: true }))
  }
}
