import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { onDisk, unlessMissing } from '../disk/on-disk.ts'
import { isAbandoned } from '../disk/staging.ts'
import { hashBytes } from '../hashing.ts'
import type { BlobLayout } from '../layout.ts'
import { isOrphan } from '../staging-name.ts'
import { decodeRecords, type JournalRecord } from './record.ts'

/** Share their flushes. */
const atOnce = 512

/**
 * Puts again, many at once, what the journals of other processes hold: after a power failure their blobs may be missing or empty. A journal is removed when
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
    for await (const records of provenRecords(journal)) await Promise.all(records.map(put))
    if (orphan || (await isAbandoned(path, Date.now()))) await onDisk('remove', path, rm(path, { force: true }))
  }
}

/** Those that were finished, in groups. A record that was not was never answered for, and neither is what comes behind it. */
async function* provenRecords(journal: Uint8Array): AsyncGenerator<readonly JournalRecord[], void, void> {
  let group: JournalRecord[] = []
  for (const record of decodeRecords(journal)) {
    if ((await hashBytes(record.bytes)).digest !== record.digest) break
    group.push(record)
    if (group.length < atOnce) continue
    yield group
    group = []
  }
  yield group
}
