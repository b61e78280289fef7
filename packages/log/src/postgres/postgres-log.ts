import { ArtifactError } from '@artifact-store/core'
import type { Pool } from 'pg'
import type { LogArchive } from '../archive/log-archive.ts'
import type { Append, AppendOutcome, AppendPort, PagedLogReader } from '../event-log.ts'
import { createFunnel } from '../funnel.ts'
import { createInterferenceGuard } from '../interference.ts'
import { requireSound } from '../sound-append.ts'
import type { TracedEvents } from '../trace/traced-events.ts'
import { appendBatch } from './append.ts'
import { oneConnection } from './one-connection.ts'
import type { Queryable } from './queryable.ts'
import { postgresLogReader } from './read.ts'
import { refusalOf } from './refusal.ts'

export interface PostgresLogOptions {
  /** The most events in one transaction. */
  readonly maxBatchEvents?: number
  /** The most payload bytes in one transaction. */
  readonly maxBatchBytes?: number
  /** How many appends may wait before more are refused as `overloaded`. */
  readonly maxWaiting?: number
  /** Told of every batch when it has its answer or has failed. */
  readonly onBatch?: (batch: BatchReport) => void
  /** Where the part of the log is that is in the table no more, for reads that go back so far. */
  readonly archive?: LogArchive | undefined
}

/** One batch of appends: what it held, and how long the database took for it. */
export interface BatchReport {
  readonly appends: number
  readonly events: number
  /** Of the payloads. */
  readonly bytes: number
  readonly seconds: number
  /** The log was at least there when it ended; 0 when nothing was appended. */
  readonly lastSequence: number
  /** Of the appends that are traced, those that were appended. */
  readonly traced: readonly TracedAppend[]
}

/** An append that is traced, and where its events are. */
interface TracedAppend extends TracedEvents {
  readonly append: Append
}

export interface PostgresLog extends AppendPort, PagedLogReader {
  readonly waiting: number
  /** Settles when every append that was submitted has its answer. */
  drained(): Promise<void>
}

/** The event log in PostgreSQL, appends funnelled into batches (group commit), of which one is at work and the next at the door. */
export function openPostgresLog(pool: Pool, options: PostgresLogOptions = {}): PostgresLog {
  const { maxBatchEvents = 1000, maxBatchBytes = 4 * 1024 * 1024, maxWaiting = 10_000, onBatch, archive } = options
  // Whole, so that sums of it are exact.
  const leastWeight = Math.floor(maxBatchBytes / maxBatchEvents)
  const connection = oneConnection(pool)
  const funnel = createFunnel<Append, AppendOutcome>({
    run: batch => (onBatch ? timed(onBatch, batch, runBatch(connection, batch)) : runBatch(connection, batch)),
    guard: createInterferenceGuard,
    // An event counts for its bytes, and at least for its share of the cap in events, so that one number holds both caps.
    weigh: ({ events }) => events.reduce((sum, e) => sum + Math.max(Buffer.byteLength(e.payloadJson), leastWeight), 0),
    maxWeight: maxBatchBytes,
    // Below it, what a batch costs however small it is outweighs what two halves gain.
    leastShare: 4 * leastWeight,
    maxWaiting,
  })
  return {
    ...postgresLogReader(pool, {}, archive),
    async append(append, options) {
      requireSound(append)
      return funnel.submit(append, options)
    },
    get waiting() {
      return funnel.waiting
    },
    drained: () => funnel.drained(),
  }
}

async function timed(
  onBatch: (batch: BatchReport) => void,
  batch: readonly Append[],
  running: Promise<readonly (AppendOutcome | Error)[]>,
): Promise<readonly (AppendOutcome | Error)[]> {
  const begun = performance.now()
  let lastSequence = 0
  const traced: TracedAppend[] = []
  try {
    const outcomes = await running
    for (const [index, outcome] of outcomes.entries()) {
      if (!('outcome' in outcome && outcome.outcome === 'appended')) continue
      lastSequence = Math.max(lastSequence, outcome.lastSequence)
      const append = batch[index]
      if (append?.traceparent !== undefined) traced.push({ ...outcome, append, traceparent: append.traceparent })
    }
    return outcomes
  } finally {
    let events = 0
    let bytes = 0
    for (const append of batch) {
      events += append.events.length
      for (const event of append.events) bytes += Buffer.byteLength(event.payloadJson)
    }
    onBatch({ appends: batch.length, events, bytes, seconds: (performance.now() - begun) / 1000, lastSequence, traced })
  }
}

/** Bad data of one append fails the whole statement; then each half goes alone, until only the bad one is refused. */
async function runBatch(connection: Queryable, batch: readonly Append[]): Promise<readonly (AppendOutcome | Error)[]> {
  try {
    return await appendBatch(connection, batch)
  } catch (error) {
    const refusal = refusalOf(error)
    if (!refusal) throw unavailable(error)
    if (batch.length === 1) return [refusal]
  }
  const middle = Math.ceil(batch.length / 2)
  const former = await runBatch(connection, batch.slice(0, middle))
  return [...former, ...(await runBatch(connection, batch.slice(middle)))]
}

function unavailable(error: unknown): ArtifactError {
  return new ArtifactError(
    'log-unavailable',
    'the event log could not be written; whether the events are in it is unknown, try again with the same key',
    {
      cause: error,
    },
  )
}
