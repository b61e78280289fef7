import type { Queryable } from '../postgres/queryable.ts'
import type { ArchiveStore } from './archive-store.ts'
import { entryOf, type SegmentRow } from './catalogue.ts'
import { proveSegment } from './open-segment.ts'

/** A partition, named by its first sequence. */
export interface Retirement {
  readonly partition: number
  /** `busy`: a transaction is open that has read the log; it is tried again, and reads go on as they did. */
  readonly outcome: 'detached' | 'busy'
}

/** Takes the oldest partition that is in the table out of it, if all its events are archived. */
export async function detachArchived(connection: Queryable): Promise<Retirement | undefined> {
  const { rows } = await connection.query<{ partition: string | number }>({
    text: `select first_sequence as partition
             from (select * from log.partitions where detached_at is null order by first_sequence limit 1) p
            where not stays and last_sequence <= (select max(last_sequence) from log.segments)`,
  })
  const [row] = rows
  if (!row) return undefined
  const partition = Number(row.partition)
  const answer = await connection.query<{ detached: boolean }>({
    text: 'select log.detach_partition($1) as detached',
    values: [partition],
  })
  return { partition, outcome: answer.rows[0]?.detached ? 'detached' : 'busy' }
}

export interface DropOptions {
  /** For how long, in seconds, the table of a partition is kept after that was detached. */
  readonly graceSeconds: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Drops the table of the oldest partition that is kept, if it was detached long enough ago. From then on its events are in the archive alone, so
 * before that every segment of it is read and proven once more.
 * @returns the partition. @throws ArtifactError `archive-damaged` where a segment is not as it was: then the table is still there.
 */
export async function dropDetached(
  connection: Queryable,
  store: ArchiveStore,
  { graceSeconds, signal }: DropOptions,
): Promise<number | undefined> {
  const { rows } = await connection.query<SegmentRow & { partition: string | number }>({
    text: `select p.first_sequence as partition, s.first_sequence, s.last_sequence, s.digest, s.bytes, s.plain_bytes
             from (select * from log.partitions where dropped_at is null order by first_sequence limit 1) p
             join log.segments s on s.first_sequence between p.first_sequence and p.last_sequence
            where p.detached_at < clock_timestamp() - make_interval(secs => $1)
            order by s.first_sequence`,
    values: [graceSeconds],
  })
  const [row] = rows
  if (!row) return undefined
  for (const entry of rows.flatMap(entryOf)) {
    await proveSegment(store, entry, signal)
    signal?.throwIfAborted()
  }
  const partition = Number(row.partition)
  await connection.query({
    text: 'select log.drop_partition($1, make_interval(secs => $2))',
    values: [partition, graceSeconds],
  })
  return partition
}
