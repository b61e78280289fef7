import { logMigrations, migrate } from '@artifact-store/log'
import pg from 'pg'

/** Makes the log's tables in an empty database. */
export async function migrateLog(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await migrate(client, [logMigrations])
  await client.end()
}
