import { ArtifactError, type NewEvent, type Subject } from '@artifact-store/core'
import type { Append, AppendOutcome, Condition } from '../event-log.ts'
import { fingerprint } from '../fingerprint.ts'
import { requireSound } from '../sound-append.ts'
import type { Queryable } from './queryable.ts'
import { refusalOf } from './refusal.ts'

/** An append whose key may be left out: the transaction that it is part of makes it happen once. */
export type Write = Omit<Append, 'key'> & { readonly key?: string | undefined }

/**
 * Appends a batch under the log's lock, in one call of `log.append` (`migrations/0001_event_log.sql` holds the reasons), and
 * answers an outcome for each, in their order. The appends must not interfere (`interference.ts`).
 */
export async function appendBatch(connection: Queryable, appends: readonly Write[]): Promise<AppendOutcome[]> {
  const conditions = appends.flatMap((append, i) => append.conditions.map(condition => ({ append: i + 1, condition })))
  const events = appends.flatMap((append, i) => append.events.map(event => ({ append: i + 1, event })))
  const result = await connection.query<OutcomeRow>({
    name: 'log-append',
    text: 'select * from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
    values: [
      appends.map(append => append.key ?? null),
      appends.map(append => Buffer.from(fingerprint(append.events))),
      conditions.map(c => c.append),
      conditions.map(c => c.condition.subject.kind),
      conditions.map(c => c.condition.subject.id),
      conditions.map(c => revisionOf(c.condition)),
      conditions.map(c => 'unsealed' in c.condition),
      events.map(e => e.append),
      events.map(e => e.event.eventType),
      events.map(e => e.event.subjectKind),
      events.map(e => e.event.subjectId),
      events.map(e => e.event.actor),
      events.map(e => Buffer.from(e.event.payloadJson)),
      events.map(e => Buffer.from(e.event.payloadDigest)),
    ],
  })
  return result.rows.map(outcomeOf)
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
  if (!outcome) throw new ArtifactError('internal', 'log.append answered nothing')
  return outcome
}

interface OutcomeRow {
  readonly outcome: 'appended' | 'repeated' | 'key-reused' | 'revision-conflict' | 'sealed'
  readonly first_sequence: string | number | null
  readonly last_sequence: string | number | null
  readonly created_at: Date | null
  readonly subject_kind: string | null
  readonly subject_id: string | null
  readonly current_revision: string | number | null
  readonly head: string | number
}

function outcomeOf(row: OutcomeRow): AppendOutcome {
  const span = { firstSequence: Number(row.first_sequence), lastSequence: Number(row.last_sequence) }
  switch (row.outcome) {
    case 'appended':
    case 'repeated':
      return { outcome: row.outcome, ...span, createdAt: row.created_at ?? new Date(Number.NaN) }
    case 'key-reused':
      return { outcome: 'key-reused', ...span }
    default: {
      const subject: Subject = { kind: row.subject_kind ?? '', id: row.subject_id ?? '' }
      const reason = row.outcome === 'sealed' ? 'sealed' : 'revision'
      return { outcome: 'conflict', reason, subject, currentRevision: Number(row.current_revision), head: Number(row.head) }
    }
  }
}

function revisionOf(condition: Condition): number | null {
  return 'revision' in condition ? condition.revision : null
}
