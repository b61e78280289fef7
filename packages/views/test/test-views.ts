import { randomUUID } from 'node:crypto'
import type { NewEvent, StoredEvent } from '@artifact-store/core'
import { maxFetch, openPostgresLog, type PostgresLog } from '@artifact-store/log'
import { createTestDatabase, emptyLog, type TestDatabase } from '@artifact-store/testkit'
import {
  createViewWriter,
  registryViews,
  replay,
  type ViewsDatabase,
  type ViewWriter,
  viewsDatabase,
} from '@artifact-store/views'
import type { Pool } from 'pg'
import { afterAll, beforeEach } from 'vitest'
import { getTableConfig } from '../src/drizzle.ts'

/** A log and its views in a database of their own, each touched as the role that does so in production. */
export interface TestViews extends AsyncDisposable {
  readonly database: TestDatabase
  readonly log: PostgresLog
  readonly writer: ViewWriter
  /** Connections of the gateway's role. */
  readonly reader: Pool
  readonly db: ViewsDatabase
  /** Appends events, in their order. @returns them as the log has them. */
  append(events: readonly NewEvent[]): Promise<readonly StoredEvent[]>
  /** Appends events and applies them, all in one batch. @returns them as the log has them. */
  show(...events: readonly NewEvent[]): Promise<readonly StoredEvent[]>
}

/** @param given a database that has been migrated, in the place of one of its own; disposed of with the views. */
export async function openTestViews(given?: TestDatabase): Promise<TestViews> {
  const database = given ?? (await createTestDatabase())
  const log = openPostgresLog(database.poolFor('log_writer'))
  const writer = createViewWriter(database.poolFor('projector'))
  const reader = database.poolFor('gateway')

  async function append(events: readonly NewEvent[]): Promise<readonly StoredEvent[]> {
    const before = await log.head()
    for (let at = 0; at < events.length; at += 500) {
      const [first, ...others] = events.slice(at, at + 500)
      if (first) await log.append({ key: randomUUID(), conditions: [], events: [first, ...others] })
    }
    return log.fetchSince(before, maxFetch)
  }

  return {
    database,
    log,
    writer,
    reader,
    db: viewsDatabase(reader),
    append,
    async show(...events) {
      await replay(log, writer, { reset: false })
      const stored = await append(events)
      await writer.apply(stored)
      return stored
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

/** For the tests of one file; log and views are empty at the begin of each. */
export async function useTestViews(): Promise<TestViews> {
  const views = await openTestViews()
  beforeEach(async () => {
    await emptyLog(views.database.pool)
    await views.writer.reset()
  })
  afterAll(() => views[Symbol.asyncDispose]())
  return views
}

/** Every row of every view and the checkpoint, in the order of their keys. */
export async function dumpViews(pool: Pool): Promise<Record<string, readonly unknown[]>> {
  const { rows: checkpoints } = await pool.query('select * from views.checkpoints')
  const dump: Record<string, readonly unknown[]> = { checkpoints }
  for (const { table } of registryViews) {
    const { name, schema } = getTableConfig(table)
    const { rows } = await pool.query<{ row: unknown }>(`select to_jsonb(t) as row from ${schema}.${name} t order by to_jsonb(t)`)
    dump[name] = rows.map(({ row }) => row)
  }
  return dump
}
