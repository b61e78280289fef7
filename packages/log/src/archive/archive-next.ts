import { ArtifactError, digestHex } from '@artifact-store/core'
import type { Queryable } from '../postgres/queryable.ts'
import type { ArchiveStore } from './archive-store.ts'
import { proveSegment, type SegmentEntry } from './open-segment.ts'
import type { ArchivedEvent } from './segment-lines.ts'
import { writeSegment } from './write-segment.ts'

export interface ArchiveNextOptions {
  /** How old, in seconds, all events of a partition are at least when it is archived. */
  readonly afterSeconds: number
  /** The most events of a segment; 65,536 unless told, which is also the most that there may be. */
  readonly maxEvents?: number | undefined
  /** The most bytes of payloads in a segment, unless a single event has more; 16 MiB unless told. */
  readonly maxBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Archives the next events of the oldest partition that is not archived: writes a segment, reads it again as whoever comes later would, and has the
 * database compare what was read with what it holds. Only then it is recorded, and the partition is none the worse until it is detached. Interrupted
 * anywhere, it is begun again; the object that was written is then written again, as the same.
 * @returns the segment; undefined when nothing is to be archived, or somebody else has just done it.
 * @throws what the store and the database throw; `archive-damaged` where the store gave back something else than it was given.
 */
export async function archiveNext(
  connection: Queryable,
  store: ArchiveStore,
  options: ArchiveNextOptions,
): Promise<SegmentEntry | undefined> {
  const { signal } = options
  const range = await nextRange(connection, options)
  if (!range) return undefined
  const written = await writeSegment(store, { ...range, pages: pagesOf(connection, range) }, signal)
  const sha256 = await proveSegment(store, written, signal)
  signal?.throwIfAborted()
  const { rows } = await connection.query<{ recorded: boolean }>({
    text: 'select log.record_segment($1, $2, $3, $4, $5, $6, $7) as recorded',
    values: [
      written.firstSequence,
      written.lastSequence,
      Buffer.from(digestHex(written.digest), 'hex'),
      written.bytes,
      written.plainBytes,
      sha256,
      written.subjectFilter,
    ],
  })
  return rows[0]?.recorded ? written : undefined
}

interface Range {
  readonly firstSequence: number
  readonly lastSequence: number
}

/** The next segment's range: within a partition that is closed, old enough and no longer needed to know repeats. */
async function nextRange(
  connection: Queryable,
  { afterSeconds, maxEvents = 65_536, maxBytes = 16 * 1024 * 1024 }: ArchiveNextOptions,
): Promise<Range | undefined> {
  const { rows } = await connection.query<{ first: string | number; last: string | number }>({
    text: `select n.first, cut.last
             from (select coalesce(max(last_sequence), 0) + 1 as first from log.segments) n
             join log.partitions p on n.first between p.first_sequence and p.last_sequence
            cross join lateral (
              select max(e.sequence) as last
                from (select sequence, sum(octet_length(payload)) over (order by sequence) as bytes from log.events
                       where sequence >= n.first and sequence <= least(p.last_sequence, n.first + $2::integer - 1)) e
               where e.bytes <= $3 or e.sequence = n.first) cut
            where p.detached_at is null and not p.stays and not p.keeps_keys and p.carried_to = p.last_sequence
              and (select created_at from log.events where sequence = p.last_sequence) < clock_timestamp() - make_interval(secs => $1)`,
    values: [afterSeconds, maxEvents, maxBytes],
  })
  const [row] = rows
  return row && { firstSequence: Number(row.first), lastSequence: Number(row.last) }
}

const pageSize = 1000

async function* pagesOf(connection: Queryable, { firstSequence, lastSequence }: Range) {
  for (let first = firstSequence; first <= lastSequence; first += pageSize) {
    const last = Math.min(lastSequence, first + pageSize - 1)
    const { rows } = await connection.query<ArchivedRow>({
      name: 'log-archived-events',
      text: `select sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor,
                    convert_from(payload, 'UTF8') as payload, payload_digest, append_key, append_events
               from log.events where sequence >= $1 and sequence <= $2 order by sequence`,
      values: [first, last],
    })
    if (rows.length !== last - first + 1)
      throw new ArtifactError(
        'revision-conflict',
        `the events ${first} to ${last} left the table meanwhile: another log-writer has archived them`,
      )
    yield rows.map(archivedEvent)
  }
}

interface ArchivedRow {
  readonly sequence: string | number
  readonly subject_revision: string | number
  readonly created_at: Date
  readonly event_type: string
  readonly subject_kind: string
  readonly subject_id: string
  readonly actor: string
  readonly payload: string
  readonly payload_digest: Buffer
  readonly append_key: string | null
  readonly append_events: number | null
}

function archivedEvent(row: ArchivedRow): ArchivedEvent {
  return {
    sequence: Number(row.sequence),
    subjectRevision: Number(row.subject_revision),
    createdAt: row.created_at,
    eventType: row.event_type,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    actor: row.actor,
    payloadJson: row.payload,
    payloadDigest: row.payload_digest,
    append:
      row.append_key === null || row.append_events === null ? undefined : { key: row.append_key, events: row.append_events },
  }
}
