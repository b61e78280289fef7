import { digestFromBytes } from '@artifact-store/core'
import type { EventFilter } from '../event-filter.ts'
import type { Queryable } from '../postgres/queryable.ts'
import type { SegmentEntry } from './open-segment.ts'

/** Some segments, and up to where the log is in segments at all. */
export interface FoundSegments {
  readonly archivedTo: number
  readonly segments: readonly SegmentEntry[]
}

/** The first segments behind `after`, and with events before `before`, that may hold what the filter asks for: at most `limit`. */
export async function findSegments(
  connection: Queryable,
  { types, subject }: EventFilter,
  { after, before, limit }: { readonly after: number; readonly before: number; readonly limit: number },
): Promise<FoundSegments> {
  const { rows } = await connection.query<SegmentRow>({
    name: `log-segments${types ? '-types' : ''}${subject ? '-subject' : ''}`,
    // A subject that is in no closed partition is in no segment. The types and the filter are asked in the order of the segments.
    text: `select a.archived_to, s.*
             from (select coalesce(max(last_sequence), 0) as archived_to from log.segments) a
             left join lateral (
               select first_sequence, last_sequence, digest, bytes, plain_bytes from log.segments
                where last_sequence > $1 and first_sequence < $2
                  ${types ? 'and event_types && $4' : ''}
                  ${
                    subject
                      ? `and log.filter_may_hold(subject_filter, log.subject_hash($${types ? 5 : 4}, $${types ? 6 : 5}))
                         and exists (select from log.subjects where subject_kind = $${types ? 5 : 4} and subject_id = $${types ? 6 : 5})`
                      : ''
                  }
                order by last_sequence limit $3) s on true
            order by s.last_sequence`,
    values: [after, before, limit, ...(types ? [types] : []), ...(subject ? [subject.kind, subject.id] : [])],
  })
  return { archivedTo: Number(rows[0]?.archived_to ?? 0), segments: rows.flatMap(entryOf) }
}

export interface SegmentRow {
  readonly archived_to: string | number
  readonly first_sequence: string | number | null
  readonly last_sequence: string | number
  readonly digest: Buffer
  readonly bytes: string | number
  readonly plain_bytes: string | number
}

export function entryOf(row: SegmentRow): SegmentEntry[] {
  if (row.first_sequence === null) return []
  return [
    {
      firstSequence: Number(row.first_sequence),
      lastSequence: Number(row.last_sequence),
      digest: digestFromBytes(row.digest),
      bytes: Number(row.bytes),
      plainBytes: Number(row.plain_bytes),
    },
  ]
}
