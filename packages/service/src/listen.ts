import pg from 'pg'
import { retry } from './backoff.ts'
import type { Logger } from './logger.ts'
import { connectionOptions } from './postgres.ts'
import type { Secret } from './secret.ts'

export interface ListenOptions {
  /** Ends the listening for good. */
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly applicationName?: string | undefined
  /** How often the server is asked for a sign of life, in milliseconds, of which it may take half to answer; 10,000 unless told. */
  readonly beatMs?: number | undefined
}

/**
 * Listens on a channel (`LISTEN`) over a connection of its own and connects anew whenever that breaks. `onNotify` gets each
 * notification's payload; after every reconnect it gets `undefined` once, for what may have been missed meanwhile. Resolves
 * when it listens for the first time. Dispose to stop.
 * @throws the signal's reason when it aborts before that.
 */
export async function listen(
  url: Secret | string,
  channel: string,
  onNotify: (payload: string | undefined) => void,
  options: ListenOptions,
): Promise<AsyncDisposable> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  let listener = await connectUntil(url, channel, onNotify, { ...options, signal })
  const listening = keepListening()

  async function keepListening(): Promise<void> {
    while (!signal.aborted) {
      await Promise.race([listener.ended, stopped])
      if (signal.aborted) break
      options.logger.warn('the connection that listens for notifications broke; connecting anew')
      try {
        listener = await connectUntil(url, channel, onNotify, { ...options, signal })
      } catch (error) {
        if (signal.aborted) break
        throw error
      }
      onNotify(undefined)
    }
    await listener.client.end()
  }

  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort()
      await listening
    },
  }
}

interface Listener {
  readonly client: pg.Client
  readonly ended: Promise<void>
}

function connectUntil(
  url: Secret | string,
  channel: string,
  onNotify: (payload: string) => void,
  options: ListenOptions,
): Promise<Listener> {
  const { logger, signal } = options
  return retry(() => connect(url, channel, onNotify, options), {
    signal,
    onFailure: (error, waitMs) => logger.debug({ err: error, waitMs }, 'cannot listen for notifications yet'),
  })
}

async function connect(
  url: Secret | string,
  channel: string,
  onNotify: (payload: string) => void,
  { logger, applicationName = 'listen', beatMs = 10_000 }: ListenOptions,
): Promise<Listener> {
  const client = new pg.Client({ ...connectionOptions(url, applicationName), query_timeout: beatMs / 2 })
  const ended = new Promise<void>(resolve => client.once('end', () => resolve()))
  // Who only listens would never learn that the network has swallowed the other side.
  const beating = setInterval(() => {
    client.query('select 1').catch((error: unknown) => {
      logger.debug({ err: error }, 'the listening connection does not answer; giving it up')
      // With a query that is not answered this destroys the socket.
      void client.end()
    })
  }, beatMs)
  client.once('end', () => clearInterval(beating))
  // What counts is the end of the connection; the error that came before it is only for the log.
  client.on('error', error => logger.debug({ err: error }, 'the listening connection reported an error'))
  client.on('notification', notification => onNotify(notification.payload ?? ''))
  try {
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    return { client, ended }
  } catch (error) {
    clearInterval(beating)
    await client.end().catch(() => undefined)
    throw error
  }
}
