import { ArtifactError, digestFromBytes, isArtifactError } from '@artifact-store/core'
import type { Queryable } from '../postgres/queryable.ts'
import { type LogArchive, noArchive } from './log-archive.ts'

/** How much of the log is in the archive. */
export interface ArchiveStatus {
  /** The last event that is in a segment; 0: none is. */
  readonly archivedTo: number
  readonly segments: number
  /** Bytes of the segments' objects. */
  readonly bytes: number
  /** What is before this sequence is in the archive only, as far as readers go. */
  readonly tableBegins: number
  /** From the oldest one on. */
  readonly partitions: readonly ArchivedPartition[]
}

export interface ArchivedPartition {
  readonly firstSequence: number
  readonly lastSequence: number
  /** `attached`: in the table; `detached`: its own table is kept for a while, and read by nobody; `dropped`: that is gone. */
  readonly state: 'attached' | 'detached' | 'dropped'
  /** When it came into this state; undefined: it was always in it. */
  readonly since: Date | undefined
}

export async function archiveStatus(connection: Queryable): Promise<ArchiveStatus> {
  const { rows } = await connection.query<{
    archived_to: string | number
    segments: string | number
    bytes: string | number
    first: string | number
    last: string | number
    detached_at: Date | null
    dropped_at: Date | null
  }>({
    text: `select s.archived_to, s.segments, s.bytes, p.first_sequence as first, p.last_sequence as last, p.detached_at, p.dropped_at
             from (select coalesce(max(last_sequence), 0) as archived_to, count(*) as segments, coalesce(sum(bytes), 0)::bigint as bytes
                     from log.segments) s
            cross join log.partitions p order by p.first_sequence`,
  })
  const partitions = rows.map(row => ({
    firstSequence: Number(row.first),
    lastSequence: Number(row.last),
    state: row.dropped_at ? ('dropped' as const) : row.detached_at ? ('detached' as const) : ('attached' as const),
    since: row.dropped_at ?? row.detached_at ?? undefined,
  }))
  return {
    archivedTo: Number(rows[0]?.archived_to ?? 0),
    segments: Number(rows[0]?.segments ?? 0),
    bytes: Number(rows[0]?.bytes ?? 0),
    tableBegins: partitions.find(({ state }) => state === 'attached')?.firstSequence ?? 1,
    partitions,
  }
}

/**
 * For readiness: whether the archived part of the log can be read, as far as a look at its newest segment tells. An archive that is away delays
 * those who read old events and nobody else, so that is a warning and not thrown.
 * @throws ArtifactError `configuration` where a part of the log is in the archive alone and this process was given none.
 */
export async function tellArchive(
  connection: Queryable,
  archive: LogArchive | undefined,
  signal?: AbortSignal,
): Promise<string | { readonly warning: string }> {
  const { rows } = await connection.query<{ last: string | number; digest: Buffer; before: string | number | null }>({
    name: 'log-newest-segment',
    text: `select s.last_sequence as last, s.digest, (select max(last_sequence) from log.partitions where detached_at is not null) as before
             from log.segments s order by s.last_sequence desc limit 1`,
  })
  const [newest] = rows
  if (!archive) {
    if (newest && newest.before !== null) throw noArchive(Number(newest.before) + 1)
    return 'off'
  }
  if (!newest) return 'nothing is archived yet'
  const digest = digestFromBytes(newest.digest)
  try {
    if (!(await archive.store.stat(digest, { signal })))
      throw new ArtifactError('archive-damaged', `its newest segment, ${digest}, is not there`)
    return `archived to ${newest.last}`
  } catch (error) {
    if (!isArtifactError(error)) throw error
    return { warning: `archived to ${newest.last}, which cannot be read: ${error.message}` }
  }
}
