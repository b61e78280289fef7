import { logMigrations, migrate, migrateFresh } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client } from 'pg'
import type { MigrateConfig } from './config.ts'
import type { Flags } from './flags.ts'
import { refuseToDestroy } from './fresh.ts'
import { grantLogins } from './logins.ts'

const sets = [logMigrations, viewMigrations, uploadMigrations]

/** Brings the database to the current schema and lets the processes log in. Several may do it at once. */
export async function runMigrations(config: MigrateConfig, flags: Flags, logger: Logger): Promise<void> {
  const client = new Client({ connectionString: config.DATABASE_URL.reveal(), application_name: 'artifact-store migrate' })
  await client.connect()
  try {
    if (flags.fresh && !flags.yes) await refuseToDestroy(client)
    const ran = await (flags.fresh ? migrateFresh(client, sets) : migrate(client, sets))
    await grantLogins(client, config)
    logger.info({ migrations: ran }, ran.length === 0 ? 'the database is current' : `ran ${ran.length} migrations`)
  } finally {
    await client.end()
  }
}
