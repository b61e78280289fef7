import { setTimeout as sleep } from 'node:timers/promises'
import { checkedBlobStore, openFsBlobStore } from '@artifact-store/blobs'
import { archiveOnce, keepPartitionsOnce, type LogArchive, openLogArchive } from '@artifact-store/log'
import { Pool } from 'pg'
import type { Load } from './workload/load.ts'
import { readPages } from './workload/readers.ts'
import { smallPartition } from './world/template.ts'
import type { World } from './world/world.ts'

/** By so many seconds the times of events may be ahead of the clock, where that was stepped forward and back: those of a log never run backwards. */
const mostAhead = 500 * 24 * 3600

/** The archive that every process of the world reads. */
export async function openArchive(world: World): Promise<LogArchive & AsyncDisposable> {
  const store = checkedBlobStore(await openFsBlobStore({ directory: world.logArchive }))
  return { ...openLogArchive(store), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

/**
 * Moves every partition that is full to the archive, as log-writers would in the course of weeks, and then reads all of the log through every gateway. To
 * be done when nobody appends any more: the keys of appends are forgotten.
 * @param patience how long a reader may be in the way, in milliseconds.
 */
export async function archiveLog(load: Load, patience: number): Promise<void> {
  const { world } = load
  await using archive = await openArchive(world)
  const pool = new Pool({ connectionString: world.postgresUrl('log_writer'), max: 2 })
  pool.on('error', () => {})
  try {
    // Whoever reads the log at that moment keeps a partition where it is. A log-writer tries again a minute later, and this at once.
    const deadline = performance.now() + patience
    for (;;) {
      await keepPartitionsOnce(pool, { keySeconds: -mostAhead })
      await archiveOnce(pool, archive.store, { afterSeconds: -mostAhead, graceSeconds: 0, eventsPerSecond: 1e9, maxEvents: 16 })
      const { rows } = await pool.query<{ first: number; head: number }>(
        'select min(sequence)::integer as first, max(sequence)::integer as head from log.events',
      )
      const { first = 1, head = 0 } = rows[0] ?? {}
      if (head - first < smallPartition) {
        world.note(`the events before ${first} are in the archive alone`)
        break
      }
      if (performance.now() > deadline) throw new Error(`the table still has the events ${first} to ${head}`)
      await sleep(100)
    }
  } finally {
    await pool.end()
  }
  for (const [index, url] of world.gatewayUrls.entries()) await readPages(load, `reader of the archive ${index + 1}`, url)
}
