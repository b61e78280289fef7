import { ArtifactError, type NewEvent } from '@artifact-store/core'
import type { QueryConfig } from 'pg'
import type { AppendOutcome, Condition } from '../event-log.ts'
import { requireSound } from '../sound-append.ts'
import { type Batch, layOut, type Write } from './batch.ts'
import { answerRepeats } from './known-append.ts'
import type { Queryable } from './queryable.ts'
import { refusalOf } from './refusal.ts'
import { judge, type Verdicts } from './verdicts.ts'

/**
 * Appends a batch under the log's lock and answers an outcome for each append, in their order. The functions for the partition that is being
 * filled (`migrations/0005_indexes_judge.sql`) take it at once, as long as nothing stands in the way; else `log.append_batch`
 * (`migrations/0002_partitions.sql` holds the reasons) takes it or names what does. The appends must not interfere (`interference.ts`).
 */
export async function appendBatch(connection: Queryable, appends: readonly Write[]): Promise<AppendOutcome[]> {
  const batch = layOut(appends)
  const { rows } = await connection.query<PlacedRow>(batch.lone ? appendOne(batch.lone) : appendMany(batch))
  const placed = rows[0]?.placed
  return placed ? placedAt(appends, Number(placed[0]), new Date(Number(placed[1]))) : appendOrSayWhyNot(connection, appends)
}

/** The database takes a batch whole or not at all; those that it names as repeats or as refused have their answer, and the others go again
 * without them. */
async function appendOrSayWhyNot(connection: Queryable, appends: readonly Write[]): Promise<AppendOutcome[]> {
  const outcomes = new Map<Write, AppendOutcome>()
  let open = appends
  while (open.length > 0) {
    const batch = layOut(open)
    const { rows } = await connection.query<BatchRow>({
      name: 'log-append-batch',
      text: 'select * from log.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
      values: batch.parametersAnywhere(),
    })
    const [row] = rows
    if (!row) throw new ArtifactError('internal', 'log.append_batch answered nothing')
    const head = Number(row.head)
    if (row.verdicts === null) {
      for (const [i, outcome] of placedAt(open, head, row.created_at).entries()) outcomes.set(open[i] as Write, outcome)
      break
    }
    const { known, refused } = judge(batch, open, row.verdicts, head)
    for (const [append, outcome] of await answerRepeats(connection, known)) outcomes.set(append, outcome)
    for (const [append, outcome] of refused) outcomes.set(append, outcome)
    const left = open.filter(append => !outcomes.has(append))
    if (left.length === open.length) throw new ArtifactError('internal', 'log.append_batch refused a batch and no append of it')
    open = left
  }
  return appends.map(append => outcomes.get(append) as AppendOutcome)
}

/** @param head the log's last sequence before them. */
function placedAt(appends: readonly Write[], head: number, createdAt: Date): AppendOutcome[] {
  let last = head
  return appends.map(({ events }) => {
    const firstSequence = last + 1
    last += events.length
    return { outcome: 'appended', firstSequence, lastSequence: last, createdAt }
  })
}

function appendOne(values: readonly unknown[]): QueryConfig {
  return {
    name: 'log-append-one',
    text: 'select log.append_one($1, $2, $3, $4, $5, $6, $7, $8, $9) as placed',
    values: [...values],
  }
}

function appendMany(batch: Batch): QueryConfig {
  return {
    name: 'log-append',
    text: 'select log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as placed',
    values: batch.parameters(),
  }
}

/**
 * Appends as the last statement of the caller's own transaction: what the caller wrote before and the events commit together
 * or not at all. The log's lock is held from here to the commit, so commit at once. A `conflict` has appended nothing: roll back.
 * @param connection a client inside a READ COMMITTED transaction; under a stricter one PostgreSQL refuses (SQLSTATE 25000).
 * @throws ArtifactError `digest-mismatch`, or `invalid-request` when the events themselves are refused: then roll back.
 */
export async function write(
  connection: Queryable,
  event: NewEvent | readonly [NewEvent, ...NewEvent[]],
  options: { readonly conditions?: readonly Condition[]; readonly key?: string } = {},
): Promise<AppendOutcome> {
  const events = 'eventType' in event ? ([event] as const) : event
  const append = { key: options.key, conditions: options.conditions ?? [], events }
  requireSound(append)
  const [outcome] = await appendBatch(connection, [append]).catch((error: unknown) => {
    throw refusalOf(error) ?? error
  })
  if (!outcome) throw new ArtifactError('internal', 'an append has no outcome')
  return outcome
}

/** The log's last sequence before the batch, and when it was appended, in milliseconds since 1970; null: it was not. */
interface PlacedRow {
  readonly placed: readonly [head: string, createdAt: string] | null
}

interface BatchRow {
  readonly head: string | number
  readonly created_at: Date
  readonly verdicts: Verdicts | null
}
