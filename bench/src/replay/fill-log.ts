import { randomUUID } from 'node:crypto'
import type { NewEvent } from '@artifact-store/core'
import { keepPartitionsOnce, openPostgresLog } from '@artifact-store/log'
import pg from 'pg'
import { registryHistory } from './registry-history.ts'

/** Appends so many events of a registry at work to an empty log, as the log-writer does. @param say is told now and then how far it is. */
export async function fillLog(url: string, length: number, say: (line: string) => void): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  try {
    const log = openPostgresLog(pool)
    const underWay: Promise<unknown>[] = []
    let appended = 0
    for (const events of batchesOf(length)) {
      underWay.push(log.append({ key: randomUUID(), conditions: [], events }))
      if (underWay.length > 3) await underWay.shift()
      appended += events.length
      if (appended % 1_000_000 < events.length) {
        say(`${appended} events are in the log`)
        await keepPartitionsOnce(pool)
      }
    }
    await Promise.all(underWay)
    await pool.query('vacuum analyze log.events')
  } finally {
    await pool.end()
  }
}

/** The history in batches of a thousand events and some, so many events in all. */
function* batchesOf(length: number): Generator<readonly [NewEvent, ...NewEvent[]]> {
  let left = length
  let batch: NewEvent[] = []
  for (const events of registryHistory(1)) {
    batch.push(...events.slice(0, left))
    left -= Math.min(left, events.length)
    if (batch.length < 1000 && left > 0) continue
    yield batch as [NewEvent, ...NewEvent[]]
    if (left === 0) return
    batch = []
  }
}
