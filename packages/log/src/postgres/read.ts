import { ArtifactError, type JsonObject, type RecordedEvent, type StoredEvent, type Subject } from '@artifact-store/core'
import { type QueryConfig, types } from 'pg'
import { hole, type LogArchive, readArchived } from '../archive/log-archive.ts'
import type { EventFilter } from '../event-filter.ts'
import type { LogPage, LogReader, PagedLogReader } from '../event-log.ts'
import type { Queryable } from './queryable.ts'

/** The most events that one read may ask for: a page stays a few megabytes. */
export const maxFetch = 10_000

/**
 * Reads the log through this connection, and the part of it that is not in the table any more from the archive. With a filter, only matching events:
 * their sequences then have holes.
 * @param archive where the log's segments are; without it, reads that need one are refused.
 */
export function postgresLogReader(connection: Queryable, filter: EventFilter = {}, archive?: LogArchive): PagedLogReader {
  return readerOf(connection, filter, archive, { recorded: withPayload, archived: event => event })
}

/** Reads it without looking into payloads, which takes the better part of reading: for whoever passes them on as they are. */
export function postgresRecordReader(connection: Queryable, archive?: LogArchive): LogReader<RecordedEvent> {
  return readerOf(connection, {}, archive, { recorded: event => event, archived: event => event })
}

/** What a reader gives for an event of the table, and for one of the archive. */
interface Given<Event> {
  readonly recorded: (event: RecordedEvent) => Event
  readonly archived: (event: StoredEvent) => Event
}

function readerOf<Event extends RecordedEvent>(
  connection: Queryable,
  filter: EventFilter,
  archive: LogArchive | undefined,
  given: Given<Event>,
): PagedLogReader<Event> {
  /** The first sequence that the table had when that was last looked at: what lies before it is in the archive for good. */
  let tableBegins = 1

  async function page(after: number, limit: number): Promise<LogPage<Event>> {
    let looked = false
    for (;;) {
      if (after + 1 < tableBegins) {
        const stretch = await readArchived(connection, archive, { after, before: tableBegins, limit, filter })
        if (stretch) return { ...stretch, events: stretch.events.map(given.archived) }
        if (looked) throw hole(after + 1, tableBegins - 1)
        // What was known of the table is of another one: an older copy of the database was restored.
        tableBegins = 1
      }
      const { rows } = await connection.query<PageRow>({ ...fetchQuery(after, limit, filter), types: asText })
      const events = recordedEvents(rows).map(given.recorded)
      if (rows[0]?.reaches === 't') return { events, position: events.length < limit ? undefined : events.at(-1)?.sequence }
      // Neither the event at that position nor the one behind it is in the table: they are in the archive, or not there yet.
      const { first, last } = await bounds(connection)
      if (after >= last) return { events: [], position: undefined }
      if (looked && first <= after + 1) throw hole(after + 1, after + 1)
      tableBegins = first
      looked = true
    }
  }

  return {
    async page(after, limit) {
      requireReadable(after, limit)
      return page(after, limit)
    },
    async fetchSince(after, limit) {
      requireReadable(after, limit)
      const first = await page(after, limit)
      if (first.position === undefined || first.events.length === limit) return first.events
      const events = [...first.events]
      for (let from: number | undefined = first.position; from !== undefined && events.length < limit; ) {
        const next: LogPage<Event> = await page(from, limit - events.length)
        for (const event of next.events) events.push(event)
        from = next.position
      }
      return events
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

function requireReadable(after: number, limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxFetch) {
    throw new ArtifactError('invalid-request', `a read of ${limit} events is not possible; ask for 1 to ${maxFetch}`)
  }
  if (!Number.isSafeInteger(after) || after < 0) {
    throw new ArtifactError('invalid-request', `the log cannot be read after ${after}; positions are whole numbers from 0`)
  }
}

/** The first and the last sequence of the table: both in one statement, which sees one state of its partitions. */
async function bounds(connection: Queryable): Promise<{ readonly first: number; readonly last: number }> {
  const { rows } = await connection.query<{ first: string | number | null; last: string | number | null }>({
    name: 'log-table-bounds',
    text: `select (select sequence from log.events order by sequence limit 1) as first,
                  (select sequence from log.events order by sequence desc limit 1) as last`,
  })
  return { first: Number(rows[0]?.first ?? 1), last: Number(rows[0]?.last ?? 0) }
}

const columns = `e.sequence, e.subject_revision, e.created_at, e.event_type, e.subject_kind, e.subject_id, e.actor,
  convert_from(e.payload, 'UTF8') as payload, e.payload_digest`

/**
 * The events of a page, and in the same statement, which sees one state of the partitions, whether the table reaches back to it: whether it has the
 * event at `after` or the one behind it. Were that asked before or after, a partition could be detached in between, and its events be missed.
 * There is a row, without an event, also when there is none.
 */
function fetchQuery(after: number, limit: number, filter: EventFilter): QueryConfig {
  const { text, ...query } = eventsQuery(after, limit, filter)
  return {
    ...query,
    text: `select t.reaches, e.*
             from (select exists (select from log.events b where b.sequence >= $1::bigint and b.sequence <= $1::bigint + 1) as reaches) t
             left join lateral (${text}) e on true`,
  }
}

// Each statement is written so that the planner has one index to go by, whatever it believes about the log's contents.
function eventsQuery(after: number, limit: number, { types, subject }: EventFilter): QueryConfig {
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

/** As the server has written it. */
interface PageRow {
  readonly reaches: 't' | 'f'
  /** Null where there is no event; so is then all that follows. */
  readonly sequence: string | null
  readonly subject_revision: string
  readonly created_at: string
  readonly event_type: string
  readonly subject_kind: string
  readonly subject_id: string
  readonly actor: string
  readonly payload: string
  readonly payload_digest: string
}

// Read here and not by the client: it asks for a parser of every value, and reads the same moment again for each event of a commit.
const asText = { getTypeParser: () => (text: string) => text }
const momentOf: (text: string) => Date = types.getTypeParser(types.builtins.TIMESTAMPTZ)
const bytesOf: (text: string) => Buffer = types.getTypeParser(types.builtins.BYTEA)

function recordedEvents(rows: readonly PageRow[]): RecordedEvent[] {
  const events: RecordedEvent[] = []
  let momentText = ''
  let moment = new Date(0)
  for (const row of rows) {
    if (row.sequence === null) continue
    if (row.created_at !== momentText) {
      momentText = row.created_at
      moment = momentOf(momentText)
    }
    events.push({
      sequence: Number(row.sequence),
      subjectRevision: Number(row.subject_revision),
      createdAt: moment,
      eventType: row.event_type,
      subjectKind: row.subject_kind,
      subjectId: row.subject_id,
      actor: row.actor,
      payloadJson: row.payload,
      payloadDigest: bytesOf(row.payload_digest),
    })
  }
  return events
}

function withPayload(event: RecordedEvent): StoredEvent {
  const { sequence, subjectRevision, createdAt, eventType, subjectKind, subjectId, actor, payloadJson, payloadDigest } = event
  const payload = JSON.parse(payloadJson) as JsonObject
  return { sequence, subjectRevision, createdAt, eventType, subjectKind, subjectId, actor, payload, payloadJson, payloadDigest }
}
