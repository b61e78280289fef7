import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { logMigrations } from '@artifact-store/log'
import { compileCache, type OwnPostgres, type ProcessRole, startOwnPostgres } from '@artifact-store/testkit'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client, type QueryResultRow } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// A server of its own: roles and their passwords belong to all databases of a server.
let postgres: OwnPostgres
beforeAll(async () => {
  postgres = await startOwnPostgres({ migrated: false })
})
afterAll(() => postgres[Symbol.asyncDispose]())

const everyMigration = [logMigrations, viewMigrations, uploadMigrations].flatMap(({ component, directory }) =>
  readdirSync(directory)
    .sort()
    .map(file => `${component}/${file}`),
)

describe('migrate', () => {
  it('brings an empty database to the current schema, and then has nothing more to do', async () => {
    const database = await emptyDatabase()
    const first = await migrate(database)
    expect(first).toMatchObject({ code: 0, said: { level: 'info', migrations: everyMigration } })
    expect(await query(database, 'select count(*)::integer as events from log.events')).toEqual([{ events: 0 }])
    expect(await query(database, 'select count(*)::integer as packages from views.artifact_packages')).toEqual([{ packages: 0 }])
    expect(await migrate(database)).toMatchObject({ code: 0, said: { migrations: [], msg: 'the database is current' } })
  })

  it('may be run by several at once: one works, the others find it done', async () => {
    const database = await emptyDatabase()
    const logins = { MIGRATE_LOGIN_LOG_WRITER: 'a', MIGRATE_LOGIN_PROJECTOR: 'b', MIGRATE_LOGIN_GATEWAY: 'c' }
    const runs = await Promise.all([1, 2, 3].map(() => migrate(database, [], logins)))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(runs.flatMap(({ said }) => said['migrations'])).toEqual(everyMigration)
  })

  it('lets the processes log in whose passwords it was given, and no others', async () => {
    const database = await emptyDatabase()
    await query(
      database,
      `do $$ declare role text; begin foreach role in array array['log_writer', 'projector', 'gateway'] loop
      if exists (select from pg_roles where rolname = role) then execute format('alter role %I nologin password null', role); end if; end loop; end $$`,
    )
    const odd = `it's "odd" \\ $$ é`
    expect(await migrate(database, [], { MIGRATE_LOGIN_LOG_WRITER: odd, MIGRATE_LOGIN_GATEWAY: 'plain' })).toMatchObject({
      code: 0,
    })
    expect(await logIn(database, 'log_writer', odd)).toBe('log_writer')
    expect(await logIn(database, 'gateway', 'plain')).toBe('gateway')
    await expect(logIn(database, 'log_writer', 'plain')).rejects.toMatchObject({ code: '28P01' })
    await expect(logIn(database, 'projector', '')).rejects.toThrow()
    // Those that it is not given stay as they are.
    expect(await migrate(database, [], { MIGRATE_LOGIN_PROJECTOR: 'new' })).toMatchObject({ code: 0 })
    expect(await logIn(database, 'gateway', 'plain')).toBe('gateway')
    expect(await logIn(database, 'projector', 'new')).toBe('projector')
  })

  it('says in a sentence why it cannot', async () => {
    const cannot = (said: object) => ({ code: 1, said: { level: 'fatal', ...said } })
    const [unset, absent, misspelt] = await Promise.all([migrate(undefined), migrate('nowhere'), migrate('postgres', ['--frsh'])])
    expect(unset).toMatchObject(cannot({ msg: expect.stringMatching(/^cannot migrate: DATABASE_URL: is missing/) }))
    expect(absent).toMatchObject(cannot({ msg: 'cannot migrate: database "nowhere" does not exist' }))
    expect(misspelt).toMatchObject(cannot({ msg: expect.stringContaining('the flags are --fresh and --yes') }))
    const database = await emptyDatabase()
    await migrate(database)
    await query(database, `update schema_migrations set checksum = 'another' where component = 'views'`)
    expect(await migrate(database)).toMatchObject(
      cannot({ msg: expect.stringContaining('views/0001_registry_views.sql has changed since it ran here') }),
    )
  })
})

describe('migrate --fresh', () => {
  it('begins anew where there is nothing to lose', async () => {
    const database = await emptyDatabase()
    expect(await migrate(database, ['--fresh'])).toMatchObject({ code: 0, said: { migrations: everyMigration } })
    await query(database, `insert into views.checkpoints values ('registry', 7)`)
    expect(await migrate(database, ['--fresh'])).toMatchObject({ code: 0, said: { migrations: everyMigration } })
    expect(await query(database, 'select * from views.checkpoints')).toEqual([])
  })

  it('refuses to destroy events, unless that is meant', async () => {
    const database = await emptyDatabase()
    await migrate(database)
    await query(
      database,
      `insert into log.events values (1, 1, now(), 'v1.thing.touched', 'thing', 'thing', 'ci', '{}', decode(repeat('00', 32), 'hex'))`,
    )
    const refused = await migrate(database, ['--fresh'])
    expect(refused).toMatchObject({
      code: 1,
      said: { level: 'fatal', msg: expect.stringContaining('this database holds events') },
    })
    expect(await query(database, 'select sequence from log.events')).toEqual([{ sequence: '1' }])
    // Without --fresh, --yes destroys nothing.
    expect(await migrate(database, ['--yes'])).toMatchObject({ code: 0, said: { migrations: [] } })
    expect(await query(database, 'select sequence from log.events')).toEqual([{ sequence: '1' }])
    expect(await migrate(database, ['--fresh', '--yes'])).toMatchObject({ code: 0, said: { migrations: everyMigration } })
    expect(await query(database, 'select sequence from log.events')).toEqual([])
  })
})

interface Run {
  readonly code: number | null
  /** The last thing that it said. */
  readonly said: Readonly<Record<string, unknown>>
}

async function migrate(
  database: string | undefined,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const script = new URL('../src/main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, ...flags], {
    env: { ...compileCache(), ...(database === undefined ? {} : { DATABASE_URL: urlOf(database) }), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [lines, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code, said: JSON.parse(lines.trim().split('\n').at(-1) ?? '{}') }
}

let databases = 0

async function emptyDatabase(): Promise<string> {
  databases += 1
  const name = `migrated_${databases}`
  await query('postgres', `create database ${name} template template0`)
  return name
}

function urlOf(database: string): string {
  const url = new URL(postgres.url())
  url.pathname = `/${database}`
  return url.href
}

function query(database: string, sql: string): Promise<QueryResultRow[]> {
  return withClient(new Client({ connectionString: urlOf(database) }), async client => (await client.query(sql)).rows)
}

/** @returns whom the server takes it for. */
async function logIn(database: string, user: ProcessRole, password: string): Promise<string> {
  const client = new Client({ host: '127.0.0.1', port: postgres.port, user, password, database })
  const [row] = await withClient(client, async () => (await client.query<{ me: string }>('select current_user as me')).rows)
  return row?.me ?? ''
}

async function withClient<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
