import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { ArtifactError } from '@artifact-store/core'
import type { ClientBase } from 'pg'

/** A package's numbered migrations: `0001_what_it_does.sql`, `0002_…`, in a directory of their own. */
export interface MigrationSet {
  readonly component: string
  readonly directory: URL
}

export const logMigrations: MigrationSet = { component: 'log', directory: new URL('../../migrations/', import.meta.url) }

/**
 * Brings the database to the current schema: runs, in order, what has not run yet, each migration in a transaction of its own.
 * Several may call it at once; one works, the others wait.
 * @returns the names of the migrations that were run now.
 * @throws ArtifactError `configuration` when a migration that ran before has changed since, or the database is newer than this code.
 */
export async function migrate(client: ClientBase, sets: readonly MigrationSet[]): Promise<string[]> {
  return withMigrationLock(client, () => runPending(client, sets))
}

/** Drops everything that the migrations made, events included, and begins again. Only for a database whose contents nobody needs. */
export async function migrateFresh(client: ClientBase, sets: readonly MigrationSet[]): Promise<string[]> {
  return withMigrationLock(client, async () => {
    for (const { component } of sets) await client.query(`drop schema if exists ${client.escapeIdentifier(component)} cascade`)
    await client.query('drop table if exists public.schema_migrations')
    return runPending(client, sets)
  })
}

const migrationLock = 7021810147

async function withMigrationLock<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('select pg_advisory_lock($1)', [migrationLock])
  try {
    return await work()
  } finally {
    await client.query('select pg_advisory_unlock($1)', [migrationLock])
  }
}

async function runPending(client: ClientBase, sets: readonly MigrationSet[]): Promise<string[]> {
  await client.query(`create table if not exists public.schema_migrations (
    component text, version integer, name text not null, checksum text not null, applied_at timestamptz not null default now(),
    primary key (component, version))`)
  const ran: string[] = []
  for (const set of sets) ran.push(...(await migrateSet(client, set)))
  return ran
}

interface Migration {
  readonly version: number
  readonly name: string
  readonly checksum: string
  readonly sql: string
}

async function migrateSet(client: ClientBase, set: MigrationSet): Promise<string[]> {
  const migrations = await readMigrations(set)
  const { rows: applied } = await client.query<{ version: number; checksum: string }>(
    'select version, checksum from public.schema_migrations where component = $1 order by version',
    [set.component],
  )
  for (const { version, checksum } of applied) {
    const migration = migrations.find(m => m.version === version)
    if (!migration) {
      throw new ArtifactError(
        'configuration',
        `the database has migration ${version} of "${set.component}", which this version does not know: run a version at least as new`,
      )
    }
    if (migration.checksum !== checksum) {
      throw new ArtifactError(
        'configuration',
        `migration ${migration.name} has changed since it ran here: restore the file, and put the change into a new migration`,
      )
    }
  }
  const pending = migrations.filter(m => !applied.some(a => a.version === m.version))
  for (const migration of pending) await runMigration(client, set.component, migration)
  return pending.map(m => m.name)
}

async function runMigration(client: ClientBase, component: string, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.sql)
    await client.query('insert into public.schema_migrations (component, version, name, checksum) values ($1, $2, $3, $4)', [
      component,
      migration.version,
      migration.name,
      migration.checksum,
    ])
    await client.query('commit')
  } catch (error) {
    // A connection that is lost rolls back by itself.
    await client.query('rollback').catch(() => {})
    const reason = error instanceof Error ? error.message : String(error)
    throw new ArtifactError('configuration', `migration ${migration.name} failed and was rolled back: ${reason}`, {
      cause: error,
    })
  }
}

async function readMigrations({ component, directory }: MigrationSet): Promise<Migration[]> {
  const files = (await readdir(directory)).filter(file => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const sql = await readFile(new URL(file, directory), 'utf8')
      if (Number(file.slice(0, 4)) !== index + 1)
        throw new ArtifactError('internal', `migrations of "${component}" are not numbered without a gap at ${file}`)
      return { version: index + 1, name: `${component}/${file}`, checksum: createHash('sha256').update(sql).digest('hex'), sql }
    }),
  )
}
