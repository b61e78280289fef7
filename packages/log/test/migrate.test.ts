import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { logMigrations, type MigrationSet, migrate, migrateFresh, openPostgresLog } from '@artifact-store/log'
import { createTestDatabase, type TestDatabase } from '@artifact-store/testkit'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { testAppend, testEvent } from './test-event.ts'

async function withClients<T>(database: TestDatabase, count: number, work: (...clients: Client[]) => Promise<T>): Promise<T> {
  const clients = Array.from({ length: count }, () => new Client({ connectionString: database.url }))
  try {
    for (const client of clients) await client.connect()
    return await work(...clients)
  } finally {
    for (const client of clients) await client.end()
  }
}

/** A copy of the log's migrations that a test may change. */
async function copiedMigrations(): Promise<MigrationSet & AsyncDisposable & { write(file: string, sql: string): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'))
  await cp(logMigrations.directory, directory, { recursive: true })
  return {
    component: 'log',
    directory: pathToFileURL(`${directory}/`),
    write: (file, sql) => writeFile(join(directory, file), sql),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

const shipped = (await readdir(logMigrations.directory)).sort()
const all = shipped.map(file => `log/${file}`)
const [first = ''] = all
/** The number of the next migration, and of the one behind it. */
const [next, late] = [1, 2].map(n => String(shipped.length + n).padStart(4, '0'))

describe('migrate', () => {
  it('runs what has not run, once', async () => {
    await using database = await createTestDatabase({ migrated: false })
    await using set = await copiedMigrations()
    await withClients(database, 1, async client => {
      expect(await migrate(client, [set])).toEqual(all)
      expect(await migrate(client, [set])).toEqual([])
      await set.write(`${next}_more.sql`, 'create table log.more (x integer)')
      expect(await migrate(client, [set])).toEqual([`log/${next}_more.sql`])
      expect((await client.query('select * from log.more')).rows).toEqual([])
    })
  })

  it('lets one of several that come at once do the work', async () => {
    await using database = await createTestDatabase({ migrated: false })
    const ran = await withClients(database, 4, (...clients) =>
      Promise.all(clients.map(client => migrate(client, [logMigrations]))),
    )
    expect(ran.flat()).toEqual(all)
  })

  it('works in several databases of one cluster at once, which share the roles', async () => {
    await using one = await createTestDatabase({ migrated: false })
    await using other = await createTestDatabase({ migrated: false })
    const both = [one, other].map(database => withClients(database, 1, client => migrate(client, [logMigrations])))
    expect(await Promise.all(both)).toEqual([all, all])
  })

  it('refuses a migration that has changed since it ran', async () => {
    await using database = await createTestDatabase()
    await using set = await copiedMigrations()
    await set.write('0001_event_log.sql', '-- nothing')
    const refused = withClients(database, 1, client => migrate(client, [set]))
    await expect(refused).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining(`${first} has changed`),
    })
  })

  it('refuses a database that is newer than it', async () => {
    await using database = await createTestDatabase()
    await using set = await copiedMigrations()
    await set.write(`${next}_more.sql`, 'create table log.more (x integer)')
    await withClients(database, 1, async client => {
      await migrate(client, [set])
      await expect(migrate(client, [logMigrations])).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringContaining(`migration ${shipped.length + 1} of "log"`),
      })
    })
  })

  it('rolls back a migration that fails, says why, and lets it be tried again', async () => {
    await using database = await createTestDatabase()
    await using set = await copiedMigrations()
    await set.write(`${next}_broken.sql`, 'create table log.more (x integer); select no_such_function()')
    await withClients(database, 1, async client => {
      await expect(migrate(client, [set])).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringContaining(
          `${next}_broken.sql failed and was rolled back: function no_such_function() does not exist`,
        ),
      })
      await set.write(`${next}_broken.sql`, 'create table log.more (x integer)')
      expect(await migrate(client, [set])).toEqual([`log/${next}_broken.sql`])
    })
  })

  it('refuses migrations that are not numbered without a gap', async () => {
    await using database = await createTestDatabase()
    await using set = await copiedMigrations()
    await set.write(`${late}_late.sql`, 'select 1')
    await expect(withClients(database, 1, client => migrate(client, [set]))).rejects.toThrow(`${late}_late.sql`)
  })

  it('refuses a database that is not in UTF-8', async () => {
    await using database = await createTestDatabase({ migrated: false })
    await withClients(database, 1, async client => {
      await client.query(`create database ${database.name}_latin encoding 'LATIN1' locale 'C' template template0`)
      const url = new URL(database.url)
      url.pathname += '_latin'
      const latin = new Client({ connectionString: url.href })
      await latin.connect()
      await expect(migrate(latin, [logMigrations])).rejects.toThrow('needs a database in UTF8, this one is in LATIN1')
      await latin.end()
      await client.query(`drop database ${database.name}_latin`)
    })
  })
})

describe('migrateFresh', () => {
  it('begins again with an empty log', async () => {
    await using database = await createTestDatabase()
    const log = openPostgresLog(database.poolFor('log_writer'))
    await log.append(testAppend(testEvent()))
    await withClients(database, 1, client => migrateFresh(client, [logMigrations]))
    expect(await log.head()).toBe(0)
    expect(await log.append(testAppend(testEvent()))).toMatchObject({ firstSequence: 1 })
  })
})
