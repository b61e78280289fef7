import { ArtifactError, type NewEvent } from '@artifact-store/core'
import type { AppendOutcome } from '../event-log.ts'
import type { Write } from './batch.ts'
import { bigintArray } from './binary-array.ts'
import type { Queryable } from './queryable.ts'
import type { KnownAppend } from './verdicts.ts'

/** Answers appends whose keys the log knows: as the first was, if they have the same events. */
export async function answerRepeats(connection: Queryable, known: readonly KnownAppend[]): Promise<Map<Write, AppendOutcome>> {
  if (known.length === 0) return new Map()
  const { rows } = await connection.query<EventRow>({
    name: 'log-known-appends',
    text: `select k.n, e.event_type, e.subject_kind, e.subject_id, e.actor, e.payload_digest, e.created_at
             from unnest($1::bigint[], $2::bigint[]) with ordinality as k(first, last, n)
            cross join lateral (select * from log.events e where e.sequence between k.first and k.last order by e.sequence) e
            order by k.n, e.sequence`,
    values: [bigintArray(known.map(k => k.first)), bigintArray(known.map(k => k.last))],
  })
  const stored = Map.groupBy(rows, row => Number(row.n))
  return new Map(
    known.map(({ append, first, last }, i) => {
      const events = stored.get(i + 1) ?? []
      // Between the two statements the key was forgotten and the partition archived: this process stood still for days. Asked again, the log does not know it.
      if (events.length < last - first + 1)
        throw new ArtifactError('log-unavailable', `the events ${first} to ${last} have just left the table; try again`)
      const span = { firstSequence: first, lastSequence: last }
      const [head] = events
      const same = head && events.length === append.events.length && append.events.every((event, j) => says(events[j], event))
      return [append, same ? { outcome: 'repeated', ...span, createdAt: head.created_at } : { outcome: 'key-reused', ...span }]
    }),
  )
}

function says(row: EventRow | undefined, event: NewEvent): boolean {
  return (
    row?.event_type === event.eventType &&
    row.subject_kind === event.subjectKind &&
    row.subject_id === event.subjectId &&
    row.actor === event.actor &&
    row.payload_digest.equals(event.payloadDigest)
  )
}

interface EventRow {
  readonly n: string | number
  readonly event_type: string
  readonly subject_kind: string
  readonly subject_id: string
  readonly actor: string
  readonly payload_digest: Buffer
  readonly created_at: Date
}
