import { randomUUID } from 'node:crypto'
import type { NewEvent } from '@artifact-store/core'
import { keepPartitionsOnce, openPostgresLog } from '@artifact-store/log'
import pg from 'pg'
import { registryHistory } from './registry-history.ts'

/**
 * Appends the history of a registry at work, as the log-writer does, until the log has so many events. One that has some of them already
 * goes on behind them.
 * @param say is told now and then how far it is.
 */
export async function fillLog(url: string, length: number, say: (line: string) => void): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  try {
    const log = openPostgresLog(pool)
    const underWay: Promise<unknown>[] = []
    let appended = await log.head()
    if (appended >= length) return
    for (const events of batchesOf(appended, length)) {
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

/** The history from behind one event up to another, in batches of a thousand events and some. */
function* batchesOf(after: number, length: number): Generator<readonly [NewEvent, ...NewEvent[]]> {
  let told = 0
  let batch: NewEvent[] = []
  for (const events of registryHistory(1)) {
    batch.push(...events.slice(Math.max(0, after - told), length - told))
    told += events.length
    if (batch.length < 1000 && told < length) continue
    if (batch.length > 0) yield batch as [NewEvent, ...NewEvent[]]
    if (told >= length) return
    batch = []
  }
}
