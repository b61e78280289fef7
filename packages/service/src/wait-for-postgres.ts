import { retry } from './backoff.ts'
import { isConnectionError } from './connection-error.ts'
import type { Logger } from './logger.ts'

/**
 * Resolves once the database answers a query, trying again with growing pauses for as long as it cannot be reached: a service
 * that is started before its database waits for it.
 * @throws the signal's reason when it aborts; at once what waiting cannot cure (a wrong password, no such database).
 */
export async function waitForPostgres(
  pool: { query(text: string): Promise<unknown> },
  options: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  let told = false
  await retry(() => pool.query('select 1'), {
    signal: options.signal,
    longestMs: 2000,
    retryable: isConnectionError,
    onFailure: (error, waitMs) => {
      options.logger[told ? 'debug' : 'warn']({ err: error, waitMs }, 'PostgreSQL does not answer yet; waiting for it')
      told = true
    },
  })
  if (told) options.logger.info('PostgreSQL answers')
}
