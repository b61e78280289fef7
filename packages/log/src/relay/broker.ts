import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { connect, ErrorCode, Events, type NatsConnection, NatsError } from 'nats'

export type { NatsConnection } from 'nats'

/** A NATS server that may not be there: not yet, or not at the moment. */
export interface Broker {
  /**
   * Asks it something. Fails at once while the connection is down, when it is lost before the answer, or when the signal aborts.
   * @throws ArtifactError `backend-unavailable`, or what `question` throws of that class.
   */
  ask<Answer>(question: (connection: NatsConnection) => Promise<Answer>, signal?: AbortSignal): Promise<Answer>
  /** Closes the connection if it was made here. */
  close(): Promise<void>
}

/** @param connection should reconnect without end (`maxReconnectAttempts: -1`). */
export function connectedBroker(connection: NatsConnection): Broker {
  const link = watchLink(connection)
  return { ask: (question, signal) => ask(link, question, signal), close: async () => undefined }
}

/** @param url e.g. `nats://user:password@host:4222`. Connects when it is first asked, and again at the next question when that failed. */
export function dialledBroker(url: string, timeoutMs: number): Broker {
  let dialled: Promise<Link> | undefined

  function dial(): Promise<Link> {
    dialled ??= connect({
      ...address(url),
      name: 'artifact-store relay',
      timeout: timeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
    })
      .then(watchLink)
      .catch((error: unknown) => {
        dialled = undefined
        throw unavailable(error)
      })
    return dialled
  }

  return {
    async ask(question, signal) {
      return ask(await dial(), question, signal)
    },
    async close() {
      const link = await dialled?.catch(() => undefined)
      await link?.connection.close()
    },
  }
}

/** The client takes a user and a password, or a token (a user alone), apart from the server. */
function address(text: string) {
  const url = new URL(text)
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  if (!user) return { servers: url.host }
  return pass ? { servers: url.host, user, pass } : { servers: url.host, token: user }
}

interface Link {
  readonly connection: NatsConnection
  /** Aborted while the connection is down; another one once it is up again. */
  readonly down: AbortSignal
}

function watchLink(connection: NatsConnection): Link {
  let down = new AbortController()
  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) down.abort(new Error('the connection was lost'))
      if (status.type === Events.Reconnect) down = new AbortController()
    }
    down.abort(new Error('the connection was closed'))
  }
  void watch()
  return {
    connection,
    get down() {
      return down.signal
    },
  }
}

async function ask<Answer>(
  link: Link,
  question: (connection: NatsConnection) => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  const signals = signal ? [link.down, signal] : [link.down]
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signals.find(s => s.aborted)?.reason)
  try {
    for (const s of signals) {
      s.throwIfAborted()
      s.addEventListener('abort', stop)
    }
    return await Promise.race([question(link.connection), aborted])
  } catch (error) {
    throw isArtifactError(error) ? error : unavailable(error)
  } finally {
    for (const s of signals) s.removeEventListener('abort', stop)
  }
}

function unavailable(cause: unknown): ArtifactError {
  return new ArtifactError(
    'backend-unavailable',
    `the event stream cannot be reached: ${reason(cause)}. The events are safe in the log and follow when it is back`,
    { cause },
  )
}

function reason(cause: unknown): string {
  const code = cause instanceof NatsError ? cause.code : undefined
  if (code === ErrorCode.ConnectionRefused) return 'no NATS server answers at its address'
  if (code === ErrorCode.Timeout) return 'NATS did not answer in time'
  if (code === ErrorCode.NoResponders)
    return 'NATS has no such stream, or JetStream is not switched on (start the server with --jetstream)'
  return cause instanceof Error ? cause.message : String(cause)
}
