import { type LogReader, postgresLogReader } from '@artifact-store/log'
import { createViewWriter, rebuildViews, replay, requestViewTask } from '@artifact-store/views'
import pg from 'pg'

// Makes the views of the first so many events in a process of its own, so that its memory is that of a replay and of nothing else. Tells in one
// line of JSON what it took. `replay` fills the live tables, which have their indexes, in one transaction; `rebuild` makes new ones beside them,
// gives them their indexes at the end and puts them into the place of the live ones.
const [, , how, url, events] = process.argv
const pool = new pg.Pool({ connectionString: url ?? '', max: 4 })
const log = beginningOf(postgresLogReader(pool), Number(events))
const batchSize = 5000
const { signal } = new AbortController()

const task = how === 'rebuild' ? await requestViewTask(pool, 'rebuild', 'bench') : undefined
const begun = performance.now()
const position =
  task === undefined
    ? await replay(log, createViewWriter(pool), { reset: true, batchSize })
    : await rebuildViews(task, { log, pool, batchSize, signal })
const seconds = (performance.now() - begun) / 1000
await pool.end()
process.stdout.write(`${JSON.stringify({ position, seconds, peakMegabytes: process.resourceUsage().maxRSS / 1024 })}\n`)

/** The log as it was when it had so many events. */
function beginningOf(reader: LogReader, length: number): LogReader {
  return {
    head: async () => Math.min(length, await reader.head()),
    fetchSince: async (after, limit) => (after >= length ? [] : reader.fetchSince(after, Math.min(limit, length - after))),
  }
}
