import { ArtifactError, type JsonObject, type StoredEvent, type Subject } from '@artifact-store/core'
import type { QueryConfig } from 'pg'
import type { LogReader } from '../event-log.ts'
import type { Queryable } from './queryable.ts'

/** The most events that one read may ask for: a page stays a few megabytes. */
export const maxFetch = 10_000

/** Which events of the log to read; what is left out does not narrow. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  readonly subject?: Subject | undefined
}

/** Reads the log through this connection. With a filter, only matching events: their sequences then have holes. */
export function postgresLogReader(connection: Queryable, filter: EventFilter = {}): LogReader {
  return {
    async fetchSince(after, limit) {
      if (!Number.isInteger(limit) || limit < 1 || limit > maxFetch) {
        throw new ArtifactError('invalid-request', `a read of ${limit} events is not possible; ask for 1 to ${maxFetch}`)
      }
      if (!Number.isSafeInteger(after) || after < 0) {
        throw new ArtifactError('invalid-request', `the log cannot be read after ${after}; positions are whole numbers from 0`)
      }
      const result = await connection.query<EventRow>(fetchQuery(after, limit, filter))
      return result.rows.map(storedEvent)
    },
    async head() {
      const result = await connection.query<{ sequence: string | number }>({
        name: 'log-head',
        text: 'select sequence from log.events order by sequence desc limit 1',
      })
      return Number(result.rows[0]?.sequence ?? 0)
    },
  }
}

const columns = `e.sequence, e.subject_revision, e.created_at, e.event_type, e.subject_kind, e.subject_id, e.actor,
  convert_from(e.payload, 'UTF8') as payload, e.payload_digest`

// Each statement is written so that the planner has one index to go by, whatever it believes about the log's contents.
function fetchQuery(after: number, limit: number, { types, subject }: EventFilter): QueryConfig {
  if (subject) return subjectQuery(after, limit, subject, types)
  if (types) return typesQuery(after, limit, types)
  return {
    name: 'log-fetch',
    // As there are no holes, a page is a range.
    text: `select ${columns} from log.events e where e.sequence > $1::bigint and e.sequence <= $1::bigint + $2::bigint order by e.sequence`,
    values: [after, limit],
  }
}

// In a subject, the order of revisions is the order of sequences, and as they too have no holes, a page is a range of them. It begins behind the
// cursor, which is nearly always the sequence of the subject's own last event that was read.
function subjectQuery(after: number, limit: number, subject: Subject, types: readonly string[] | undefined): QueryConfig {
  const ofSubject = (event: string) => `${event}.subject_kind = $3 and ${event}.subject_id = $4`
  const values = [after, limit, subject.kind, subject.id]
  // Of some types only: how far the page reaches is not known before.
  if (types) {
    return {
      name: 'log-fetch-subject-types',
      text: `select ${columns} from log.events e where ${ofSubject('e')} and e.sequence > $1 and e.event_type = any($5)
              order by e.subject_revision limit $2`,
      values: [...values, types],
    }
  }
  return {
    name: 'log-fetch-subject',
    text: `with before as materialized (
             select coalesce((select c.subject_revision from log.events c where c.sequence = $1 and ${ofSubject('c')}),
                             (select n.subject_revision - 1 from log.events n where n.sequence > $1 and ${ofSubject('n')}
                               order by n.subject_revision limit 1)) as revision)
           select ${columns} from log.events e
            where ${ofSubject('e')} and e.sequence > $1 and e.subject_revision > (select revision from before)
              and e.subject_revision <= (select revision from before) + $2
            order by e.subject_revision`,
    values,
  }
}

// The first of each type by the index of types, of these the first, and only then their payloads. The comparison of rows is what
// keeps the planner from walking the whole log by sequence in search of a rare type.
function typesQuery(after: number, limit: number, types: readonly string[]): QueryConfig {
  return {
    name: 'log-fetch-types',
    text: `select ${columns}
             from (select next.sequence
                     from (select distinct wanted.type from unnest($3::text[]) as wanted(type)) wanted
                    cross join lateral (
                      select n.sequence from log.events n
                       where (n.event_type, n.sequence) > (wanted.type, $1::bigint)
                         and (n.event_type, n.sequence) <= (wanted.type, 9223372036854775807)
                       order by n.event_type, n.sequence limit $2) next
                    order by next.sequence limit $2) page
            cross join lateral (select * from log.events found where found.sequence = page.sequence limit 1) e
            order by e.sequence`,
    values: [after, limit, types],
  }
}

interface EventRow {
  readonly sequence: string | number
  readonly subject_revision: string | number
  readonly created_at: Date
  readonly event_type: string
  readonly subject_kind: string
  readonly subject_id: string
  readonly actor: string
  readonly payload: string
  readonly payload_digest: Buffer
}

function storedEvent(row: EventRow): StoredEvent {
  return {
    sequence: Number(row.sequence),
    subjectRevision: Number(row.subject_revision),
    createdAt: row.created_at,
    eventType: row.event_type,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    actor: row.actor,
    payload: JSON.parse(row.payload) as JsonObject,
    payloadJson: row.payload,
    payloadDigest: row.payload_digest,
  }
}
