import { readFile } from 'node:fs/promises'
import { logMigrations, migrate } from '@artifact-store/log'
import { type OwnPostgres, processRoles, startOwnPostgres } from '@artifact-store/testkit'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client, type QueryResultRow } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// A server of its own: logins belong to all databases of a server.
let postgres: OwnPostgres
beforeAll(async () => {
  postgres = await startOwnPostgres({ migrated: false })
  for (const statement of await firstLogins()) await query('postgres', 'postgres', statement)
  await withClient('artifact_store', 'migrate', client => migrate(client, [logMigrations, viewMigrations, uploadMigrations]))
  for (const role of processRoles) await query('artifact_store', 'migrate', `alter role ${role} login password '${password}'`)
})
afterAll(() => postgres[Symbol.asyncDispose]())

const password = 'a password'

describe('the database as docker compose makes it', () => {
  it('is migrated by a login that is no superuser and owns nothing but this database', async () => {
    expect(
      await query(
        'artifact_store',
        'migrate',
        'select rolsuper, rolreplication, rolbypassrls, rolcreatedb from pg_roles where rolname = current_user',
      ),
    ).toEqual([{ rolsuper: false, rolreplication: false, rolbypassrls: false, rolcreatedb: false }])
    await expect(query('postgres', 'migrate', 'create table t (x int)')).rejects.toMatchObject(denied)
    await expect(query('artifact_store', 'migrate', "copy (select 1) to program 'id'")).rejects.toMatchObject(denied)
    await expect(query('artifact_store', 'migrate', 'create role another superuser')).rejects.toMatchObject(denied)
    await expect(query('artifact_store', 'migrate', "alter role postgres password 'x'")).rejects.toMatchObject(denied)
  })

  it('gives a standby what replication needs, and no look at a table', async () => {
    await expect(query('artifact_store', 'standby', 'select * from log.events')).rejects.toMatchObject(denied)
    await expect(query('artifact_store', 'standby', 'select * from views.access_tokens')).rejects.toMatchObject(denied)
  })

  it('lets each process do with tables what is its own, and nothing else', async () => {
    expect(await allowed(tablePrivileges)).toEqual({
      log_writer: { ...reads('log', log) },
      projector: {
        ...reads('log', log),
        ...rights('views', views, 'DELETE INSERT SELECT UPDATE'),
        ...reads('views_admin', ['tasks']),
      },
      gateway: {
        ...reads('log', log),
        ...reads('views', views),
        ...reads('views_admin', ['tasks']),
        ...rights('uploads', ['sessions'], 'DELETE INSERT SELECT UPDATE'),
      },
    })
  })

  it('lets each process call the functions of its work, and no others', async () => {
    expect(await allowed(functionPrivileges)).toEqual({
      log_writer: {
        log: 'append append_batch append_one carry_subjects detach_partition drop_partition filter_may_hold forget_keys keep_partitions_ahead record_segment subject_hash',
      },
      projector: {
        log: 'filter_may_hold subject_hash',
        views_admin:
          'begin_comparing begin_task fail_task finish_building finish_verification is_worked_on next_task position_of swap',
      },
      gateway: {
        log: 'filter_may_hold subject_hash',
        views_admin: 'discard_task drop_previous is_worked_on position_of request_task',
      },
    })
  })

  it('lets no process make anything, or become another', async () => {
    for (const role of processRoles) {
      for (const schema of ['log', 'views', 'views_admin', 'uploads', 'public'])
        await expect(query('artifact_store', role, `create table ${schema}.mine (x int)`)).rejects.toMatchObject(denied)
      await expect(query('artifact_store', role, 'create schema mine')).rejects.toMatchObject(denied)
      await expect(query('artifact_store', role, 'create role mine')).rejects.toMatchObject(denied)
      for (const other of [...processRoles, 'migrate', 'postgres'].filter(name => name !== role))
        await expect(query('artifact_store', role, `set role ${other}`)).rejects.toMatchObject(denied)
    }
  })
})

const denied = { code: '42501' }
const log = ['events', 'events_1', 'partitions', 'readable_events', 'segments', 'subjects']
const views = ['access_tokens', 'artifact_packages', 'blobs', 'checkpoints', 'package_files', 'retention_state']

const reads = (schema: string, tables: readonly string[]) => rights(schema, tables, 'SELECT')

function rights(schema: string, tables: readonly string[], privileges: string): Record<string, string> {
  return Object.fromEntries(tables.map(table => [`${schema}.${table}`, privileges]))
}

const ours = `('log', 'views', 'views_admin', 'uploads', 'public')`
const roles = `unnest(array['log_writer', 'projector', 'gateway']) as role`
const mayEnter = `nspname in ${ours} and has_schema_privilege(role, n.oid, 'usage')`

const tablePrivileges = `select role, nspname || '.' || relname as place, string_agg(privilege, ' ' order by privilege) as may
  from pg_class c join pg_namespace n on n.oid = relnamespace cross join ${roles}
    cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) as privilege
  where relkind in ('r', 'p', 'v', 'm') and ${mayEnter} and has_table_privilege(role, c.oid, privilege) group by 1, 2`

const functionPrivileges = `select role, nspname as place, string_agg(distinct proname, ' ' order by proname) as may
  from pg_proc p join pg_namespace n on n.oid = pronamespace cross join ${roles}
  where ${mayEnter} and has_function_privilege(role, p.oid, 'execute') group by 1, 2`

async function allowed(sql: string): Promise<Record<string, Record<string, string>>> {
  const found: Record<string, Record<string, string>> = {}
  for (const { role, place, may } of await query('artifact_store', 'migrate', sql)) found[role] = { ...found[role], [place]: may }
  return found
}

/** The statements with which the container of the database begins. */
async function firstLogins(): Promise<string[]> {
  const script = await readFile(new URL('../postgres/start.sh', import.meta.url), 'utf8')
  const statements =
    /<<SQL\n(.*?)\nSQL\n/s
      .exec(script)?.[1]
      ?.replaceAll(/\$\(password \w+\)/g, password)
      .split('\n') ?? []
  expect(statements.length).toBeGreaterThan(2)
  return statements
}

function query(database: string, user: string, sql: string): Promise<QueryResultRow[]> {
  return withClient(database, user, async client => (await client.query(sql)).rows)
}

async function withClient<T>(database: string, user: string, work: (client: Client) => Promise<T>): Promise<T> {
  const url = new URL(postgres.url())
  url.pathname = `/${database}`
  if (user !== 'postgres') Object.assign(url, { username: user, password })
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
