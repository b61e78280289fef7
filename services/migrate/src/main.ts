import { parseArgs } from 'node:util'
import { isArtifactError } from '@artifact-store/core'
import { logMigrations, migrate, migrateFresh } from '@artifact-store/log'
import { createLogger, loadConfig } from '@artifact-store/service'
import { viewMigrations } from '@artifact-store/views'
import pg from 'pg'
import { migrateConfig } from './config.ts'
import { refuseToDestroy } from './fresh.ts'
import { grantLogins } from './logins.ts'

const { values: flags } = parseArgs({
  options: { fresh: { type: 'boolean', default: false }, yes: { type: 'boolean', default: false } },
})
const logger = createLogger({ name: 'migrate', level: 'info' })
const sets = [logMigrations, viewMigrations]

try {
  const config = loadConfig(migrateConfig)
  const client = new pg.Client({ connectionString: config.DATABASE_URL.reveal(), application_name: 'artifact-store migrate' })
  await client.connect()
  try {
    if (flags.fresh) await refuseToDestroy(client, flags.yes)
    const ran = await (flags.fresh ? migrateFresh(client, sets) : migrate(client, sets))
    await grantLogins(client, config)
    logger.info({ migrations: ran }, ran.length === 0 ? 'the database is current' : `ran ${ran.length} migrations`)
  } finally {
    await client.end()
  }
} catch (error) {
  if (isArtifactError(error, 'configuration')) logger.fatal({ err: error.cause }, `cannot migrate: ${error.message}`)
  else logger.fatal({ err: error }, 'cannot migrate')
  process.exitCode = 1
}
