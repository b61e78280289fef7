import { ArtifactError } from '@artifact-store/core'
import { Backends } from './backends.ts'
import { Blobs } from './blobs.ts'
import { Events } from './events.ts'
import { Examination } from './examination.ts'
import { Files } from './files.ts'
import { Caller, type RetryNotice } from './http/caller.ts'
import { fetchTransport } from './http/fetch-transport.ts'
import { nodeTransport } from './http/node-transport.ts'
import { defaultRetryPolicy, type RetryPolicy } from './http/retry.ts'
import type { Transport } from './http/transport.ts'
import { LogArchive } from './log-archive.ts'
import { Packages } from './packages.ts'
import { Server } from './server.ts'
import { Tokens } from './tokens.ts'
import { Uploads } from './uploads.ts'
import { Views } from './views.ts'

export interface ClientOptions {
  /** Where the gateway is, e.g. `http://127.0.0.1:8080`; a path is kept as a prefix. */
  readonly url: string
  readonly token: string
  /** Used in the place of Node's own HTTP client, e.g. an application's `request` in a test. */
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly retry?: Partial<RetryPolicy> | undefined
  /** Give a connection up when no byte moves for so long, in milliseconds; 120,000 where nothing is said. */
  readonly idleTimeoutMs?: number | undefined
  /** Told whenever a call failed and will be made again. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined
}

/**
 * The REST API of an artifact store, typed. Every method throws `ArtifactError` with the kind of the problem that the store answered,
 * `backend-unavailable` when nothing answers, and the signal's reason when that aborts. Failures that may pass are retried with
 * back-off; that is safe, because writes carry an idempotency key or are addressed by content. Disposing it closes idle connections.
 */
export class ArtifactStoreClient implements Disposable {
  readonly packages: Packages
  readonly files: Files
  readonly blobs: Blobs
  readonly backends: Backends
  readonly uploads: Uploads
  readonly events: Events
  readonly tokens: Tokens
  readonly server: Server
  readonly views: Views
  readonly logArchive: LogArchive
  readonly examination: Examination
  /** How patient this client is. */
  readonly retry: RetryPolicy
  readonly #transport: Transport
  readonly #caller: Caller

  /** @throws ArtifactError `configuration` when the address or the token cannot be one. */
  constructor(options: ClientOptions) {
    this.#transport = options.fetch ? fetchTransport(options.fetch) : nodeTransport()
    this.retry = { ...defaultRetryPolicy, ...options.retry }
    this.#caller = new Caller({
      url: parseBaseUrl(options.url),
      token: parseToken(options.token),
      transport: this.#transport,
      retry: this.retry,
      idleTimeoutMs: options.idleTimeoutMs ?? 120_000,
      onRetry: options.onRetry,
    })
    const caller = this.#caller
    this.packages = new Packages(caller)
    this.files = new Files(caller)
    this.blobs = new Blobs(caller)
    this.backends = new Backends(caller)
    this.uploads = new Uploads(caller, this.retry)
    this.events = new Events(caller, this.retry)
    this.tokens = new Tokens(caller)
    this.server = new Server(caller)
    this.views = new Views(caller)
    this.logArchive = new LogArchive(caller)
    this.examination = new Examination(caller)
  }

  /** The sentence for an error that broke a body while it was read; undefined when it was not the connection that failed. */
  connectionFailure(error: unknown): ArtifactError | undefined {
    return this.#caller.connectionFailure(error)
  }

  [Symbol.dispose](): void {
    this.#transport.close()
  }
}

function parseBaseUrl(text: string): string {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ArtifactError(
      'configuration',
      `"${text}" is not the address of an artifact store: give one like http://127.0.0.1:8080`,
    )
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function parseToken(text: string): string {
  // RFC 9110, section 5.5: what else there may be would break the header line.
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new ArtifactError('configuration', 'the token is empty or has characters that no token has')
  return text
}
