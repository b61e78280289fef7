import { logLevel, secret, secretUrl } from '@artifact-store/service'
import { z } from 'zod'

/** What the migration reads from its environment. */
export const migrateConfig = z.object({
  LOG_LEVEL: logLevel().default('info'),
  /** The database, as a role that may create schemas and roles. */
  DATABASE_URL: secretUrl('postgres:', 'postgresql:'),
  /** Lets the process's role log in, with this password. */
  MIGRATE_LOGIN_LOG_WRITER: secret().optional(),
  MIGRATE_LOGIN_PROJECTOR: secret().optional(),
  MIGRATE_LOGIN_GATEWAY: secret().optional(),
})

export type MigrateConfig = z.output<typeof migrateConfig>
