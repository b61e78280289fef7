import { randomBytes } from 'node:crypto'
import { type EmbeddedPostgres, startPostgres } from '@artifact-store/embedded'
import { logMigrations, migrate } from '@artifact-store/log'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { processRoles } from './roles.ts'
import { makeRunDirectory, postgresDirectory, removeLeftoverRuns, removeRunDirectory } from './run-directory.ts'

/** What the tests of a run share; `inject('artifactStore')` gives it to them. */
export interface SharedServers {
  /** Of the superuser, to the database `postgres`. */
  readonly adminUrl: string
  /** The password of every process's role. */
  readonly rolePassword: string
  /** A migrated database that nobody connects to, so that it can be cloned. */
  readonly template: string
  /** A directory that goes away with the run. */
  readonly directory: string
}

declare module 'vitest' {
  interface ProvidedContext {
    artifactStore: SharedServers
  }
}

/** Starts the PostgreSQL of a test run, prepares the database that each test file gets a copy of, and answers how to end it all. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftoverRuns()
  const directory = await makeRunDirectory()
  // What tests write may be lost. Those that pull the plug start a PostgreSQL of their own.
  // Which statistics there are is said by tests alone: autovacuum may take them in the middle of what fills a table, and the planner then believes it empty.
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '400', autovacuum: 'off' }
  const postgres = await startPostgres({ directory: postgresDirectory(directory), settings })
  const rolePassword = randomBytes(16).toString('hex')
  await prepareTemplate(postgres, rolePassword)
  project.provide('artifactStore', { adminUrl: postgres.url('postgres'), rolePassword, template, directory })
  return async () => {
    // Nothing in it is wanted, so it need not stop cleanly.
    await postgres.kill()
    await removeRunDirectory(directory)
  }
}

const template = 'artifact_store_template'

async function prepareTemplate(postgres: EmbeddedPostgres, rolePassword: string): Promise<void> {
  await withClient(postgres.url('postgres'), client => client.query(`create database ${template}`))
  await withClient(postgres.url(template), async client => {
    await migrate(client, [logMigrations, viewMigrations, uploadMigrations])
    for (const role of processRoles) await client.query(`alter role ${role} login password '${rolePassword}'`)
  })
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
