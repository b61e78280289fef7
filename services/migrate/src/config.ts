import { logLevel, secret, secretUrl } from '@artifact-store/service'
import { z } from 'zod'

/** What the migration reads from its environment. */
export const migrateConfig = z.object({
  LOG_LEVEL: logLevel().default('info').describe('the least of what is logged'),
  DATABASE_URL: secretUrl('postgres:', 'postgresql:').describe('the database, as a role that may create schemas and roles'),
  MIGRATE_LOGIN_LOG_WRITER: secret().optional().describe('password for the role `log_writer`, which may then log in'),
  MIGRATE_LOGIN_PROJECTOR: secret().optional().describe('the same for `projector`'),
  MIGRATE_LOGIN_GATEWAY: secret().optional().describe('the same for `gateway`'),
})

export type MigrateConfig = z.output<typeof migrateConfig>
