/**
 * True where a server could not be reached, hung up or had no room to work (PostgreSQL, or anything else behind a socket): trying again later may
 * work, and whether the last statement took effect is unknown. Follows the chain of causes.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (socketCodes.has(code) || serverCodes.has(code) || serverClasses.test(code)) return true
  return lostConnection.test(error.message) || isConnectionError(error.cause)
}

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
])
/** SQLSTATE: admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout. */
const serverCodes = new Set(['57P01', '57P02', '57P03', '57P05'])
/** Of SQLSTATE: connection exceptions, and insufficient resources (a full disk, no memory, too many connections). */
const serverClasses = /^(?:08|53)[0-9A-Z]{3}$/
/** What `pg` says without a code. */
const lostConnection =
  /^Connection terminated|^timeout exceeded when trying to connect|^Client has encountered a connection error|^Client was closed|^Connection ended unexpectedly/
