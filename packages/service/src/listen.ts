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
  const { logger, signal, applicationName = 'listen' } = options
  return retry(() => connect(url, channel, onNotify, logger, applicationName), {
    signal,
    onFailure: (error, waitMs) => logger.debug({ err: error, waitMs }, 'cannot listen for notifications yet'),
  })
}

async function connect(
  url: Secret | string,
  channel: string,
  onNotify: (payload: string) => void,
  logger: Logger,
  applicationName: string,
): Promise<Listener> {
  const client = new pg.Client(connectionOptions(url, applicationName))
  const ended = new Promise<void>(resolve => client.once('end', () => resolve()))
  // What counts is the end of the connection; the error that came before it is only for the log.
  client.on('error', error => logger.debug({ err: error }, 'the listening connection reported an error'))
  client.on('notification', notification => onNotify(notification.payload ?? ''))
  try {
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    return { client, ended }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}
