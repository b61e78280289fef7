import { newPackageId } from '@artifact-store/core'
import { createTestDatabase, expectSchemaMatches } from '@artifact-store/testkit'
import { findPackage, listPackages, registryViews, replay, stateDigest, viewsPosition } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { checkpoints } from '../src/schema.ts'
import { created } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const tables = [checkpoints, ...registryViews.map(({ table }) => table)]

describe('the tables that drizzle knows', () => {
  it('are those that the migrations make', async () => {
    await expectSchemaMatches(views.database.pool, tables)
  })

  it('would be told from others', async () => {
    await using database = await createTestDatabase()
    await database.pool.query('alter table views.blobs alter size type integer')
    await expect(expectSchemaMatches(database.pool, tables)).rejects.toThrow()
  })
})

describe('the grants', () => {
  const denied = expect.objectContaining({ code: '42501' })

  it('let the projector write the views and read the log', async () => {
    await views.append([created(newPackageId())])
    expect(await replay(views.log, views.writer, { reset: true })).toBe(1)
    expect((await views.database.poolFor('projector').query('select * from log.events')).rows).toHaveLength(1)
  })

  it('keep the projector from writing the log', async () => {
    const projector = views.database.poolFor('projector')
    await expect(projector.query(`insert into log.events select * from log.events`)).rejects.toEqual(denied)
    await expect(projector.query('insert into log.partitions values (1, 1, 1)')).rejects.toEqual(denied)
    await expect(
      projector.query(
        `select * from log.append_batch('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
      ),
    ).rejects.toEqual(denied)
  })

  it.each(['log_writer', 'gateway'] as const)('keep the %s from writing any view', async role => {
    const pool = views.database.poolFor(role)
    const { rows } = await views.database.pool.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'views'`,
    )
    expect(rows.map(({ name }) => name).sort()).toEqual([
      'access_tokens',
      'artifact_packages',
      'blobs',
      'checkpoints',
      'package_files',
      'retention_state',
    ])
    for (const { name } of rows) {
      await expect(pool.query(`insert into views.${name} default values`)).rejects.toEqual(denied)
      await expect(pool.query(`delete from views.${name}`)).rejects.toEqual(denied)
      await expect(pool.query(`truncate views.${name}`)).rejects.toEqual(denied)
    }
    await expect(pool.query(`update views.checkpoints set position = 7`)).rejects.toEqual(denied)
    await expect(pool.query(`update views.blobs set size = 7`)).rejects.toEqual(denied)
  })

  it('let the gateway read every view, and the log-writer none', async () => {
    const id = newPackageId()
    await views.show(created(id))
    expect(await findPackage(views.db, id)).toBeDefined()
    expect(await listPackages(views.db, {}, { limit: 1 })).toHaveLength(1)
    expect(await stateDigest(views.reader)).toMatchObject({ position: 1 })
    await expect(viewsPosition(views.database.poolFor('log_writer'))).rejects.toEqual(denied)
  })

  it('keep everybody but the owner from changing what a view is', async () => {
    for (const role of ['log_writer', 'projector', 'gateway'] as const) {
      const pool = views.database.poolFor(role)
      await expect(pool.query('alter table views.blobs add column x text')).rejects.toEqual(denied)
      await expect(pool.query('create table views.more (id text)')).rejects.toEqual(denied)
      await expect(pool.query('drop table views.blobs')).rejects.toEqual(denied)
    }
  })
})
