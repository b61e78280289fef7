import * as logTables from '@artifact-store/log/schema'
import { createTestDatabase, expectSchemaMatches } from '@artifact-store/testkit'
import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'

describe('the tables that drizzle knows', () => {
  it('are those that the migrations make', async () => {
    await using database = await createTestDatabase()
    await expectSchemaMatches(
      database.pool,
      Object.values(logTables).filter(table => is(table, PgTable)),
    )
  })

  it('would be told from others', async () => {
    await using database = await createTestDatabase()
    await expect(expectSchemaMatches(database.pool, [logTables.events])).rejects.toThrow()
    await database.pool.query('alter table log.events alter actor drop not null')
    await expect(
      expectSchemaMatches(
        database.pool,
        Object.values(logTables).filter(table => is(table, PgTable)),
      ),
    ).rejects.toThrow()
  })
})
