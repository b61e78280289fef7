import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNats, startPostgres } from '@artifact-store/embedded'
import { logMigrations, migrate } from '@artifact-store/log'
import { connect, type NatsConnection } from 'nats'
import pg from 'pg'

/** A PostgreSQL with a migrated database and a NATS server, both as they come, and made for this run alone. */
export interface Workplace extends AsyncDisposable {
  readonly databaseUrl: string
  /** Connections to the database; closed with it. */
  readonly pool: pg.Pool
  /** A connection of its own to the broker; closed with it. */
  connectNats(): Promise<NatsConnection>
}

export async function openWorkplace(): Promise<Workplace> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const password = randomBytes(12).toString('hex')
  const postgres = stack.use(await startPostgres({ directory: join(directory, 'postgres'), password }))
  const nats = stack.use(await startNats({ directory: join(directory, 'nats'), user: 'bench', password }))
  const databaseUrl = await makeDatabase(postgres.url('postgres'))
  const pool = stack.adopt(new pg.Pool({ connectionString: databaseUrl, max: 4 }), own => own.end())
  const owned = stack.move()
  return {
    databaseUrl,
    pool,
    async connectNats() {
      const connection = await connect({
        servers: `127.0.0.1:${nats.port}`,
        user: 'bench',
        pass: password,
      })
      return owned.adopt(connection, own => own.close())
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function makeDatabase(adminUrl: string): Promise<string> {
  const url = new URL(adminUrl)
  url.pathname = '/bench'
  await using admin = await openClient(adminUrl)
  await admin.client.query(`create database bench template template0 encoding 'UTF8'`)
  await using migration = await openClient(url.href)
  await migrate(migration.client, [logMigrations])
  return url.href
}

async function openClient(url: string): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}
