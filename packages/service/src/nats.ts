import { connect, ErrorCode, type NatsConnection, NatsError } from 'nats'
import { retry } from './backoff.ts'
import type { Logger } from './logger.ts'
import { reconnectPauses } from './reconnect-pauses.ts'
import type { Secret } from './secret.ts'

export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection
  /** Whether there is a server at the other end now. */
  connected(): boolean
}

/**
 * Connects to NATS, waiting with growing pauses until a server answers, and reconnects for ever after. Disposing it drains
 * the connection: what was published is flushed first.
 * @param url `nats://[user:password@ or token@]host:port`, several separated by commas.
 * @throws the signal's reason when it aborts while waiting; at once the client's error where the server refuses the credentials.
 */
export async function connectNats(
  url: Secret | string,
  options: { name: string; logger: Logger; signal: AbortSignal },
): Promise<Nats> {
  const { name, logger, signal } = options
  const target = parseServers(typeof url === 'string' ? url : url.reveal())
  let told = false
  const connection = await retry(
    // One try each, not the client's own `waitOnFirstConnect`, which no signal can end.
    () =>
      connect({
        ...target,
        name,
        maxReconnectAttempts: -1,
        // Otherwise two refusals in a row, as by a server that is being reconfigured, end the reconnecting.
        ignoreAuthErrorAbort: true,
        reconnectDelayHandler: reconnectPauses(target.servers.length, () => 250 + Math.random() * 250),
        timeout: 5000,
        pingInterval: 20_000,
      }),
    {
      signal,
      longestMs: 2000,
      retryable: error => !(error instanceof NatsError && error.code === ErrorCode.AuthorizationViolation),
      onFailure: (error, waitMs) => {
        logger[told ? 'debug' : 'warn']({ err: error, waitMs }, 'NATS does not answer yet; waiting for it')
        told = true
      },
    },
  )
  if (signal.aborted) {
    // Whoever asked for it is on the way out and would no longer dispose of it.
    await connection.close()
    throw signal.reason
  }
  let up = true
  // Never awaited: the client leaves its status iterators open when the connection closes.
  void watchStatus(connection, logger, now => {
    up = now
  })
  return {
    connection,
    connected: () => up && !connection.isClosed(),
    async [Symbol.asyncDispose](): Promise<void> {
      // There is no one to drain to while disconnected.
      if (!connection.isClosed()) await (up ? connection.drain() : connection.close())
    },
  }
}

function parseServers(text: string): { servers: string[]; user?: string; pass?: string; token?: string } {
  const urls = text.split(',').map(part => new URL(part.trim().includes('://') ? part.trim() : `nats://${part.trim()}`))
  const servers = urls.map(server => server.host)
  const { username = '', password = '' } = urls[0] ?? {}
  if (username === '') return { servers }
  const user = decodeURIComponent(username)
  return password === '' ? { servers, token: user } : { servers, user, pass: decodeURIComponent(password) }
}

async function watchStatus(connection: NatsConnection, logger: Logger, onChange: (up: boolean) => void): Promise<void> {
  logger.info({ server: connection.getServer() }, 'connected to NATS')
  for await (const { type, data } of connection.status()) {
    if (type === 'disconnect') {
      onChange(false)
      logger.warn({ server: data }, 'the connection to NATS broke; connecting anew')
    } else if (type === 'reconnect') {
      onChange(true)
      logger.info({ server: data }, 'connected to NATS again')
    } else if (type === 'error') {
      logger.warn({ data }, 'NATS reported an error')
    } else {
      logger.debug({ type, data }, 'NATS status')
    }
  }
}
