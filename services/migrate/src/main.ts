import { isArtifactError } from '@artifact-store/core'
import { createLogger, loadConfig } from '@artifact-store/service'
import { migrateConfig } from './config.ts'
import { readFlags } from './flags.ts'
import { runMigrations } from './run-migrations.ts'

let logger = createLogger({ name: 'migrate', level: 'info' })
try {
  const flags = readFlags(process.argv.slice(2))
  const config = loadConfig(migrateConfig)
  logger = createLogger({ name: 'migrate', level: config.LOG_LEVEL })
  await runMigrations(config, flags, logger)
} catch (error) {
  const why = error instanceof Error ? error.message : String(error)
  if (isArtifactError(error, 'configuration')) logger.fatal(`cannot migrate: ${why}`)
  else logger.fatal({ err: error }, `cannot migrate: ${why}`)
  process.exitCode = 1
}
