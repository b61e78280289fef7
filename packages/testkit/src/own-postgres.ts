import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type EmbeddedPostgres, startPostgres } from '@artifact-store/embedded'
import { logMigrations, migrate } from '@artifact-store/log'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client } from 'pg'
import { inject } from 'vitest'
import { type ProcessRole, processRoles } from './roles.ts'
import { ownPostgresPrefix } from './run-directory.ts'

/** A PostgreSQL server that one test has to itself, to be stopped, killed and changed as no test may do to the one that all share. */
export interface OwnPostgres extends AsyncDisposable {
  readonly port: number
  /** Of the database `postgres`: as the superuser, or as a process does. */
  url(role?: ProcessRole): string
  /** Ends it as a power cut would; resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
}

export async function startOwnPostgres({ migrated = true }: { readonly migrated?: boolean } = {}): Promise<OwnPostgres> {
  const directory = join(inject('artifactStore').directory, `${ownPostgresPrefix}${randomBytes(4).toString('hex')}`)
  const password = randomBytes(8).toString('hex')
  const settings = { fsync: 'off' }
  let server: EmbeddedPostgres = await startPostgres({ directory, password, settings })
  const { port } = server
  if (migrated) await prepare(server.url('postgres'), password)
  return {
    port,
    url: role => server.url('postgres', ...(role ? [role, password] : [])),
    kill: () => server.kill(),
    async start() {
      server = await startPostgres({ directory, port, password, settings })
    },
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

async function prepare(url: string, password: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await migrate(client, [logMigrations, viewMigrations, uploadMigrations])
    for (const role of processRoles) await client.query(`alter role ${role} login password '${password}'`)
  } finally {
    await client.end()
  }
}
