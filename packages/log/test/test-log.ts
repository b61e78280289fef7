import { openPostgresLog, type PostgresLog } from '@artifact-store/log'
import { createTestDatabase, emptyLog, type TestDatabase } from '@artifact-store/testkit'
import type { Pool, PoolClient } from 'pg'
import { afterAll, beforeEach } from 'vitest'

export interface TestLog {
  readonly database: TestDatabase
  /** Connections of the log-writer's role. */
  readonly pool: Pool
  /** Opened as the log-writer does. */
  readonly log: PostgresLog
}

/** A log for the tests of one file, in a database of its own; empty at the begin of each test. */
export async function useTestLog(): Promise<TestLog> {
  const database = await createTestDatabase()
  beforeEach(() => emptyLog(database.pool))
  afterAll(() => database[Symbol.asyncDispose]())
  const pool = database.poolFor('log_writer')
  return { database, pool, log: openPostgresLog(pool) }
}

/** Does work in a transaction; `end` chooses how it ends, and what `work` throws rolls back. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  { begin = 'begin', end = 'commit' }: { begin?: string; end?: 'commit' | 'rollback' } = {},
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query(end)
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
