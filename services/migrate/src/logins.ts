import type { Secret } from '@artifact-store/service'
import type { ClientBase } from 'pg'
import type { MigrateConfig } from './config.ts'

/** Lets the roles of the processes log in with the passwords that were given; those without one stay as they are. */
export async function grantLogins(client: ClientBase, config: MigrateConfig): Promise<void> {
  const logins: readonly (readonly [role: string, password: Secret | undefined])[] = [
    ['log_writer', config.MIGRATE_LOGIN_LOG_WRITER],
    ['projector', config.MIGRATE_LOGIN_PROJECTOR],
    ['gateway', config.MIGRATE_LOGIN_GATEWAY],
  ]
  await client.query('begin')
  // Two that change one role at the same time would fail with "tuple concurrently updated".
  await client.query('select pg_advisory_xact_lock(7021810148)')
  for (const [role, password] of logins) {
    if (password)
      await client.query(`alter role ${client.escapeIdentifier(role)} login password ${client.escapeLiteral(password.reveal())}`)
  }
  await client.query('commit')
}
