import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { newPackageId } from '@artifact-store/core'
import { type LogReader, logMigrations, migrate } from '@artifact-store/log'
import { createTestDatabase, randomHistory } from '@artifact-store/testkit'
import {
  createViewWriter,
  discardViewTask,
  dropPreviousViews,
  findPackage,
  findViewTask,
  listViewTasks,
  nextViewTask,
  previousViewsPosition,
  replay,
  requestViewTask,
  stateDigest,
  viewMigrations,
  viewsDatabase,
  viewsPosition,
} from '@artifact-store/views'
import { Client, Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { catalogOf } from './catalog.ts'
import { created } from './events.ts'
import { requestTask } from './test-tasks.ts'
import { dumpViews, openTestViews, type TestViews } from './test-views.ts'

const denied = expect.objectContaining({ code: '42501' })

/** A log of some hundred events that are all shown. */
async function shownHistory(length = 600): Promise<TestViews> {
  const views = await openTestViews()
  await views.show(...randomHistory({ seed: 41, length }))
  return views
}

describe('a rebuild', () => {
  it('makes the same views anew, puts them into the place of the live ones, and keeps those until told', async () => {
    await using views = await shownHistory()
    const [live, catalog] = [await stateDigest(views.reader), await catalogOf(views.database.pool, 'views')]
    // What nobody meant to be there.
    await views.database.pool.query(`update views.blobs set size = size + 1`)
    const spoilt = await stateDigest(views.reader)
    const phases: string[] = []
    const rebuild = await requestTask(views, 'rebuild')
    expect(await findViewTask(views.reader, rebuild.id)).toMatchObject({
      kind: 'rebuild',
      phase: 'waiting',
      requestedBy: 'admin',
    })

    expect(await rebuild.rebuild({ onPhase: phase => phases.push(phase) })).toBe(600)

    expect(phases).toEqual(['building', 'swapping'])
    expect(await stateDigest(views.reader)).toEqual(live)
    expect(await catalogOf(views.database.pool, 'views')).toEqual(catalog)
    expect(await findViewTask(views.reader, rebuild.id)).toMatchObject({
      phase: 'done',
      position: 600,
      finishedAt: expect.any(Date),
    })
    expect(await previousViewsPosition(views.reader)).toBe(600)
    expect(await stateDigest(views.reader, 'views_previous')).toEqual(spoilt)

    await dropPreviousViews(views.reader)
    await dropPreviousViews(views.reader)
    expect(await previousViewsPosition(views.reader)).toBeUndefined()
    expect(await schemas(views)).toEqual(['log', 'views', 'views_admin'])
  })

  it('gives the new views statistics, so that they are read by as good plans as the old', async () => {
    await using views = await shownHistory()
    await (await requestTask(views, 'rebuild')).rebuild()
    const { rows } = await views.database.pool.query(
      `select c.reltuples from pg_class c where c.oid in ('views.artifact_packages'::regclass, 'views.package_files'::regclass)`,
    )
    for (const { reltuples } of rows) expect(reltuples).toBeGreaterThan(0)
  })

  it('leaves everybody the rights that they had, and gives nobody more', async () => {
    await using views = await shownHistory(50)
    const projector = views.database.poolFor('projector')
    for (const attempt of [
      'create schema views_next',
      'alter schema views rename to views_previous',
      `select views_admin.make_copy('views_mine', '')`,
      `select views_admin.copy_grants('{}', 0, 'schema views')`,
      `select views_admin.request_task('rebuild', 'me')`,
      'select views_admin.drop_previous()',
      `update views_admin.tasks set phase = 'done', finished_at = now()`,
    ])
      await expect(projector.query(attempt), attempt).rejects.toEqual(denied)
    for (const attempt of ['select views_admin.next_task()', 'select views_admin.swap(1)', 'select views_admin.begin_task(1)'])
      await expect(views.reader.query(attempt), attempt).rejects.toEqual(denied)
    for (const call of [`request_task('rebuild', 'me')`, 'next_task()', 'discard_task(1)', 'is_worked_on()'])
      await expect(views.database.poolFor('log_writer').query(`select views_admin.${call}`), call).rejects.toEqual(denied)

    await (await requestTask(views, 'rebuild')).rebuild()
    const id = newPackageId()
    await views.writer.apply(await views.append([created(id)]))
    expect(await findPackage(views.db, id)).toBeDefined()
    await expect(views.reader.query('update views.checkpoints set position = 7')).rejects.toEqual(denied)
    await expect(projector.query('drop table views.blobs')).rejects.toEqual(denied)
  })

  it('is refused while another task is under way, and while the views from before the last one are kept', async () => {
    await using views = await shownHistory(50)
    const rebuild = await requestTask(views, 'rebuild')
    const busy = expect.objectContaining({ kind: 'views-busy', details: { reason: 'busy', task: rebuild.id } })
    await expect(requestViewTask(views.reader, 'rebuild', 'other')).rejects.toEqual(busy)
    await expect(requestViewTask(views.reader, 'verification', 'other')).rejects.toEqual(busy)
    // Of several that ask at once one is let in.
    await rebuild.rebuild()
    const kept = expect.objectContaining({ kind: 'views-busy', details: { reason: 'previous-kept' } })
    await expect(requestViewTask(views.reader, 'rebuild', 'other')).rejects.toEqual(kept)
    await dropPreviousViews(views.reader)
    const asked = await Promise.allSettled([1, 2, 3, 4].map(() => requestViewTask(views.reader, 'rebuild', 'other')))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await listViewTasks(views.reader, 10)).toMatchObject([{ phase: 'waiting' }, { id: rebuild.id, phase: 'done' }])
  })

  it('given up stops, and leaves the live views as they were and nothing else', async () => {
    await using views = await shownHistory()
    const before = await stateDigest(views.reader)
    const rebuild = await requestTask(views, 'rebuild')
    const log = seenBy(
      views.log,
      after => after > 200,
      () => discardViewTask(views.reader, rebuild.id),
    )
    await expect(rebuild.rebuild({ log })).rejects.toMatchObject({ kind: 'revision-conflict' })
    expect(await findViewTask(views.reader, rebuild.id)).toMatchObject({ phase: 'discarded', finishedAt: expect.any(Date) })
    expect(await nextViewTask(views.database.poolFor('projector'))).toBeUndefined()
    expect(await schemas(views)).toEqual(['log', 'views', 'views_admin'])
    expect(await stateDigest(views.reader)).toEqual(before)
    // What has ended stays ended.
    await discardViewTask(views.reader, rebuild.id)
    await expect(rebuild.rebuild()).rejects.toMatchObject({ code: 'VT001' })
    await (await requestTask(views, 'rebuild')).rebuild()
    expect(await stateDigest(views.reader)).toEqual(before)
  })
})

describe('a rebuild that is interrupted', () => {
  it.each([
    ['while it is filled', (after: number) => after > 300],
    ['while the live writer is held and the new views catch up', (after: number) => after >= 600],
  ])('%s leaves the live views alone and goes on where it was', async (_, isMoment) => {
    await using views = await shownHistory()
    const rebuild = await requestTask(views, 'rebuild')
    // Its own look at the log is a little late, so that the live views are further when it wants to take their place.
    const late = { ...views.log, head: async () => 600 }
    await views.writer.apply(await views.append(Array.from({ length: 7 }, () => created(newPackageId()))))
    const before = await stateDigest(views.reader)
    const dying = seenBy(late, isMoment, async () => {
      await rebuild.cut()
      throw new Error('the process is gone')
    })
    await expect(rebuild.rebuild({ log: dying })).rejects.toThrow()
    expect(await findViewTask(views.reader, rebuild.id)).toMatchObject({ finishedAt: null, isWorkedOn: false })
    expect(await stateDigest(views.reader)).toEqual(before)
    // The writer is free.
    await views.writer.apply(await views.append([created(newPackageId())]))

    const asked: number[] = []
    const reached = await rebuild.rebuild({
      log: seenBy(
        views.log,
        () => true,
        after => void asked.push(after),
      ),
    })
    // The batch of 50 that was being applied when it died may have been lost with it.
    expect(asked[0]).toBeGreaterThanOrEqual(250)
    expect(reached).toBe(608)
    await expectFreshReplayEqual(views)
  })

  it('may be worked on by two at once, of which one is late: nothing is doubled', async () => {
    await using views = await shownHistory()
    const before = await stateDigest(views.reader)
    const rebuild = await requestTask(views, 'rebuild')
    const both = await Promise.allSettled([rebuild.rebuild({ batchSize: 10 }), rebuild.rebuild({ batchSize: 10 })])
    // Whoever finds the other's work done stops, and is called again by whoever called it.
    for (const one of both)
      if (one.status === 'rejected')
        expect(one.reason.kind ?? one.reason.code, one.reason.stack).toMatch(/^(revision-conflict|VT001)$/)
    if ((await findViewTask(views.reader, rebuild.id))?.finishedAt === null) await rebuild.rebuild()
    expect(await stateDigest(views.reader)).toEqual(before)
  })
})

describe('the swap', () => {
  it('is not seen by a connection that has planned its statements before it', async () => {
    await using views = await shownHistory()
    const reader = new Pool({ connectionString: views.database.urlFor('gateway'), max: 1 })
    const writerPool = new Pool({ connectionString: views.database.urlFor('projector'), max: 1 })
    const writer = createViewWriter(writerPool)
    // Named statements are planned once: after some executions for good.
    const named = {
      name: 'packages-at',
      text: 'select position, (select count(*) from views.artifact_packages) from views.checkpoints',
    }
    for (let i = 0; i < 8; i++) {
      await reader.query(named)
      await viewsPosition(reader)
      await writer.apply(await views.append([created(newPackageId())]))
    }
    const { rows: before } = await reader.query(named)
    await (await requestTask(views, 'rebuild')).rebuild()
    await views.database.pool.query('update views_previous.checkpoints set position = 1')

    expect((await reader.query(named)).rows).toEqual(before)
    expect(await viewsPosition(reader)).toBe(608)
    const id = newPackageId()
    expect(await writer.apply(await views.append([created(id)]))).toBe(609)
    expect(await findPackage(viewsDatabase(reader), id)).toBeDefined()
    expect(await viewsPosition(reader)).toBe(609)
    await Promise.all([reader.end(), writerPool.end()])
  })

  it('waits for who reads in one snapshot, and keeps nobody else from reading meanwhile', async () => {
    await using views = await shownHistory()
    const old = await dumpViews(views.reader)
    const rebuild = await requestTask(views, 'rebuild')
    const slow = await views.reader.connect()
    await slow.query('begin isolation level repeatable read')
    await slow.query('select position from views.checkpoints')
    const ended = rebuild.rebuild()
    await expect.poll(() => phaseOf(views, rebuild.id), { timeout: 20_000 }).toBe('swapping')
    // Several attempts long.
    for (const attempts = await rollbacks(views); (await rollbacks(views)) < attempts + 3; ) {
      await views.writer.apply(await views.append([created(newPackageId())]))
      expect(await viewsPosition(views.reader)).toBeGreaterThan(600)
    }
    expect(await phaseOf(views, rebuild.id)).toBe('swapping')
    // All of it is of one moment.
    const { rows } = await slow.query('select count(*)::integer as packages from views.artifact_packages')
    expect(rows).toEqual([{ packages: old['artifact_packages']?.length }])
    await slow.query('commit')
    slow.release()
    expect(await ended).toBe(await views.log.head())
  })

  it('steps back where a reader has what it waits for, and waits for what it has: the server lets neither of them fail', async () => {
    await using views = await shownHistory()
    const rebuild = await requestTask(views, 'rebuild')
    const ended = rebuild.rebuild()
    const reader = await views.reader.connect()
    await reader.query('begin; select from views.retention_state limit 0')
    for (let met = 0; met < 3; met++) {
      await expect.poll(() => waitingFor(views, 'retention_state'), { timeout: 20_000, interval: 2 }).toBe(true)
      // Behind the swap, which has locked the checkpoints first.
      await reader.query('savepoint before; select position from views.checkpoints; rollback to savepoint before')
    }
    expect(await phaseOf(views, rebuild.id)).toBe('swapping')
    await reader.query('commit')
    reader.release()
    expect(await ended).toBe(600)
  })

  it('waits for a vacuum without holding anybody up', async () => {
    await using views = await shownHistory()
    const rebuild = await requestTask(views, 'rebuild')
    const vacuum = await views.database.pool.connect()
    // As a vacuum that somebody has started, which gives way to nobody.
    await vacuum.query('begin; lock table views.blobs in share update exclusive mode')
    const ended = rebuild.rebuild()
    await expect.poll(() => waitingFor(views, 'blobs'), { timeout: 20_000 }).toBe(true)
    await views.writer.apply(await views.append([created(newPackageId())]))
    expect(await stateDigest(views.reader)).toMatchObject({ position: 601 })
    await vacuum.query('rollback')
    vacuum.release()
    expect(await ended).toBe(601)
  })

  it('waits for a batch that is being applied, and the writer goes on in the new views', async () => {
    await using views = await shownHistory()
    const rebuild = await requestTask(views, 'rebuild')
    const mayCommit = Promise.withResolvers<void>()
    const applied = Promise.withResolvers<void>()
    const stored = await views.append(Array.from({ length: 4 }, () => created(newPackageId())))
    const batch = views.writer.transaction(async within => {
      await within.apply(stored.slice(0, 2))
      applied.resolve()
      await mayCommit.promise
    })
    await applied.promise
    const ended = rebuild.rebuild()
    await expect.poll(() => waitingFor(views, 'checkpoints'), { timeout: 20_000 }).toBe(true)
    // Comes after the swap in the queue, so it finds the new views.
    const next = views.writer.apply(stored.slice(2)).catch((error: unknown) => error)
    mayCommit.resolve()
    await batch
    expect(await ended).toBe(604)
    // The new ones are there already.
    expect(await next).toMatchObject({ kind: 'revision-conflict' })
    await expectFreshReplayEqual(views)
  })

  it('never lets the views go back: where the live ones are further, it catches up first', async () => {
    await using views = await shownHistory()
    const rebuild = await requestTask(views, 'rebuild')
    // A reader of the log that is late: the live views are further than it says the log is.
    const late = { ...views.log, head: async () => 100 }
    expect(await rebuild.rebuild({ log: late })).toBe(600)
    await expect(views.database.pool.query('select views_admin.swap($1)', [rebuild.id])).rejects.toMatchObject({
      code: 'VT001',
    })
  })
})

describe('where the migrations were run by a role that is no superuser', () => {
  it('the views are rebuilt and verified all the same', async () => {
    const database = await createTestDatabase({ migrated: false })
    const role = `migrator_of_${database.name}`
    await database.pool.query(
      `create role ${role} login createrole password 'secret'; alter database ${database.name} owner to ${role}`,
    )
    const url = new URL(database.url)
    Object.assign(url, { username: role, password: 'secret' })
    await withClient(url.href, client => migrate(client, [logMigrations, viewMigrations]))
    await using views = await openTestViews(database)
    await views.show(...randomHistory({ seed: 42, length: 200 }))
    expect(await (await requestTask(views, 'rebuild')).rebuild()).toBe(200)
    expect(await (await requestTask(views, 'verification')).verify()).toMatchObject({ position: 200, differences: [] })
    await dropPreviousViews(views.reader)
    await database.pool.query(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
  })
})

describe('a migration of the views', () => {
  it('that comes while they are rebuilt has them rebuilt again, as they are then', async () => {
    await using views = await shownHistory()
    await using set = await migrationsWith(
      'alter table views.blobs add column colour text; create index blobs_size on views.blobs (size);' +
        'grant select on views.blobs to log_writer; create table views.more (id text primary key); alter table views.more set (fillfactor = 70)',
    )
    const rebuild = await requestTask(views, 'rebuild')
    let isMigrated = false
    const log = seenBy(
      views.log,
      after => after > 300 && !isMigrated,
      async () => {
        isMigrated = true
        await withClient(views.database.url, client => migrate(client, [set]))
      },
    )
    expect(await rebuild.rebuild({ log })).toBe(600)
    const catalog = await catalogOf(views.database.pool, 'views')
    expect(catalog).toEqual(await catalogOf(views.database.pool, 'views_previous'))
    expect(JSON.stringify(catalog)).toMatch(/colour.*blobs_size/)
    expect(JSON.stringify(catalog)).toContain('fillfactor=70')
  })

  it('is not mixed with a swap: while one runs, the views stay where they are', async () => {
    await using views = await shownHistory(50)
    const rebuild = await requestTask(views, 'rebuild')
    await withClient(views.database.url, async client => {
      const aborting = new AbortController()
      const log = seenBy(
        views.log,
        () => true,
        async () => void (await client.query('select pg_advisory_lock(7021810147)')),
      )
      const ended = rebuild.rebuild({ log, signal: aborting.signal }).catch((error: unknown) => error)
      await expect.poll(() => phaseOf(views, rebuild.id), { timeout: 20_000 }).toBe('swapping')
      for (const attempts = await rollbacks(views); (await rollbacks(views)) < attempts + 2; ) await phaseOf(views, rebuild.id)
      expect(await phaseOf(views, rebuild.id)).toBe('swapping')
      aborting.abort()
      expect(await ended).toBeInstanceOf(Error)
    })
    expect(await rebuild.rebuild()).toBe(50)
  })

  it('that begins anew finds nothing of an earlier life in its way', async () => {
    await using views = await shownHistory(50)
    await (await requestTask(views, 'rebuild')).rebuild()
    await withClient(views.database.url, async client => {
      await client.query(`drop schema views cascade; delete from schema_migrations where component = 'views'`)
      await migrate(client, [viewMigrations])
    })
    expect(await schemas(views)).toEqual(['log', 'views', 'views_admin'])
  })
})

async function expectFreshReplayEqual({ log, writer, reader }: TestViews): Promise<void> {
  const live = await stateDigest(reader)
  await replay(log, writer, { reset: true })
  expect(await stateDigest(reader)).toEqual(live)
}

/** A log that calls somebody before it is read behind some positions. */
function seenBy(log: LogReader, isMoment: (after: number) => boolean, call: (after: number) => Promise<void> | void): LogReader {
  return {
    head: () => log.head(),
    async fetchSince(after, limit) {
      if (isMoment(after)) await call(after)
      return log.fetchSince(after, limit)
    },
  }
}

async function phaseOf(views: TestViews, id: number): Promise<string | undefined> {
  return (await findViewTask(views.reader, id))?.phase
}

/** How many transactions of the database were rolled back: attempts to swap, mostly. */
async function rollbacks({ database }: TestViews): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(
    'select xact_rollback as count from pg_stat_database where datname = current_database()',
  )
  return Number(rows[0]?.count)
}

async function waitingFor({ database }: TestViews, table: string): Promise<boolean> {
  const { rows } = await database.pool.query(`select from pg_locks where not granted and relation = $1::regclass`, [
    `views.${table}`,
  ])
  return rows.length > 0
}

async function schemas({ database }: TestViews): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select nspname as name from pg_namespace where nspname ~ '^(log|views)' order by nspname`,
  )
  return rows.map(({ name }) => name)
}

async function migrationsWith(sql: string) {
  const directory = await mkdtemp(join(tmpdir(), 'views-migrations-'))
  await cp(viewMigrations.directory, directory, { recursive: true })
  const next = (await readdir(directory)).length + 1
  await writeFile(join(directory, `${String(next).padStart(4, '0')}_more.sql`), sql)
  return {
    component: 'views',
    directory: pathToFileURL(`${directory}/`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
