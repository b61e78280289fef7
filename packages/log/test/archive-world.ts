import {
  type ArchiveOnceOptions,
  type ArchiveStore,
  keepPartitionsOnce,
  openLogArchive,
  openPostgresLog,
  postgresLogReader,
} from '@artifact-store/log'
import { archiveFullPartitions, createTestDatabase, memoryArchive, smallPartitions } from '@artifact-store/testkit'

/** A log in partitions of so many events, and an archive. */
export async function archivedLog(partitionEvents: number, given?: ArchiveStore) {
  const store = given ?? (await memoryArchive())
  const database = await createTestDatabase()
  await smallPartitions(database.pool, partitionEvents)
  const pool = database.poolFor('log_writer')
  const archive = openLogArchive(store)
  return {
    database,
    pool,
    store,
    archive,
    log: openPostgresLog(pool, { archive }),
    /** Knows the table alone. */
    tableOnly: postgresLogReader(pool),
    /** Closes what is full and forgets its keys, so that it may be archived. */
    close: () => keepPartitionsOnce(pool, { keySeconds: 0 }),
    archiveAll: (options: Partial<ArchiveOnceOptions> = {}) => archiveFullPartitions(database, store, options),
    /** How each partition stands, by its first event. */
    async partitions() {
      const { rows } = await database.pool.query<{ first: number; state: string }>(
        `select first_sequence::int as first,
                case when dropped_at is not null then 'dropped' when detached_at is not null then 'detached' else 'attached' end as state
           from log.partitions order by first_sequence`,
      )
      return Object.fromEntries(rows.map(({ first, state }) => [first, state]))
    },
    async segments() {
      const { rows } = await database.pool.query<{ first: number; last: number }>(
        'select first_sequence::int as first, last_sequence::int as last from log.segments order by first_sequence',
      )
      return rows.map(({ first, last }) => [first, last])
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
