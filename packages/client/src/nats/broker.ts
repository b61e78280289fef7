import { ArtifactError } from '@artifact-store/core'
import { connect, ErrorCode, Events, type NatsConnection, NatsError, type QueuedIterator, type Status } from 'nats'
import { pause } from '../http/retry.ts'
import { StreamApi } from './stream-api.ts'

/** Which NATS: an address, e.g. `nats://user:password@host:4222` (several with commas between them), or a connection, which stays open. */
export type NatsSource = ({ readonly url: string } | { readonly connection: NatsConnection }) & {
  /** So long after the last message, in milliseconds (at least 1,000), the log is asked whether NATS has told all of it; 15,000 where nothing is said. */
  readonly quietMs?: number | undefined
}

/** The waits between two attempts to connect, in milliseconds; each is twice as long as the one before, and up to half of it at random. */
const shortestDelayMs = 200
const longestDelayMs = 5000

/**
 * A connection to NATS that may not be there: not yet, or not at the moment. One that was not given is made here, and made again when it
 * is lost; disposing of this closes it, and leaves one that was given as it was.
 */
export class Broker implements AsyncDisposable {
  readonly #ending = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #isOurs: boolean
  #connection: NatsConnection | undefined
  #statuses: QueuedIterator<Status> | undefined
  #down = new AbortController()
  #refused: ArtifactError | undefined

  /** @throws ArtifactError `configuration` when the address is none. */
  constructor(source: NatsSource) {
    this.#isOurs = 'url' in source
    if ('url' in source) void this.#dial(parseServers(source.url))
    else void this.#watch(source.connection)
  }

  /**
   * Undefined while there is no connection.
   * @throws ArtifactError `unauthenticated` when the broker refused the login at the first attempt.
   */
  stream(): StreamApi | undefined {
    if (this.#refused) throw this.#refused
    if (!this.#connection || this.#down.signal.aborted) return undefined
    return new StreamApi(this.#connection, this.#down.signal)
  }

  /** True as soon as the connection comes or goes; false after some time (in milliseconds), or when the signal aborts. */
  changed(withinMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    return new Promise(resolve => {
      const settle = (changed: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        this.#listeners.delete(hear)
        resolve(changed)
      }
      const hear = () => settle(true)
      const giveUp = () => settle(false)
      const timer = setTimeout(giveUp, withinMs)
      signal.addEventListener('abort', giveUp)
      this.#listeners.add(hear)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#statuses?.stop()
    if (this.#isOurs) await this.#connection?.close()
  }

  /** Connects, and again whenever the connection is lost. Not the client's own reconnecting: that goes by a clock that may be stepped. */
  async #dial(target: Servers): Promise<void> {
    const { signal } = this.#ending
    let delayMs = shortestDelayMs
    for (let known = false; !signal.aborted; ) {
      try {
        const connection = await connect({
          ...target,
          name: 'artifact-store subscriber',
          timeout: 5000,
          reconnect: false,
          pingInterval: 20_000,
        })
        known = true
        delayMs = shortestDelayMs
        if (signal.aborted) await connection.close()
        else await this.#holdWhileOpen(connection)
      } catch (cause) {
        if (!known && cause instanceof NatsError && cause.code === ErrorCode.AuthorizationViolation) {
          this.#refused = refusedLogin(target.servers, cause)
          this.#tell()
          return
        }
      }
      await pause(delayMs * (0.5 + Math.random() / 2), signal).catch(() => undefined)
      delayMs = Math.min(longestDelayMs, delayMs * 2)
    }
  }

  async #holdWhileOpen(connection: NatsConnection): Promise<void> {
    this.#comes(connection)
    await connection.closed()
    this.#goes()
  }

  /** One that was given finds its way back by itself. */
  async #watch(connection: NatsConnection): Promise<void> {
    // The type says less than there is: only `stop` takes it off the connection's list.
    this.#statuses = connection.status() as QueuedIterator<Status>
    if (!connection.isClosed()) this.#comes(connection)
    for await (const { type } of this.#statuses) {
      if (type === Events.Disconnect) this.#goes()
      if (type === Events.Reconnect) this.#comes(connection)
    }
    this.#goes()
  }

  #comes(connection: NatsConnection): void {
    this.#connection = connection
    this.#down = new AbortController()
    this.#tell()
  }

  #goes(): void {
    this.#down.abort()
    this.#tell()
  }

  #tell(): void {
    for (const wake of [...this.#listeners]) wake()
  }
}

interface Servers {
  readonly servers: string[]
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  readonly tls?: object
}

/** The client takes a user and a password, or a token (a user alone), apart from the servers. */
function parseServers(text: string): Servers {
  const urls = text.split(',').map(part => URL.parse(part.trim().includes('://') ? part.trim() : `nats://${part.trim()}`))
  const [first] = urls
  const hosts = urls.flatMap(url => (url?.host ? [url.host] : []))
  if (!first || hosts.length < urls.length)
    throw new ArtifactError('configuration', 'the address of NATS is none: give one like nats://user:password@127.0.0.1:4222')
  const target = { servers: hosts, ...(first.protocol === 'tls:' ? { tls: {} } : {}) }
  const [user, pass] = [decodeURIComponent(first.username), decodeURIComponent(first.password)]
  if (!user) return target
  return pass ? { ...target, user, pass } : { ...target, token: user }
}

function refusedLogin(servers: readonly string[], cause: Error): ArtifactError {
  return new ArtifactError(
    'unauthenticated',
    `NATS at ${servers.join(', ')} refuses the login: check the user and the password in its address`,
    { cause },
  )
}
