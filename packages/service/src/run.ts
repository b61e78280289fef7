import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { Registry } from 'prom-client'
import { type App, createApp } from './app.ts'
import { type ConfigSchema, loadConfig, type ProcessConfig } from './config.ts'
import { connectionMetrics } from './connection-metrics.ts'
import type { DirectHandler } from './direct-route.ts'
import { Health } from './health.ts'
import { healthMetrics } from './health-metrics.ts'
import { listenHttp } from './http-server.ts'
import { createLogger, type Logger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { exitWhenBroken, stopRequested } from './process-signals.ts'
import { openTracing, type Tracing } from './tracing/tracing.ts'

/** What a service is given to start with. It is also what `createApp` takes. */
export interface Scope {
  readonly name: string
  readonly logger: Logger
  /** Aborts when the process is told to stop: long-lived answers and background work end then. */
  readonly signal: AbortSignal
  readonly metrics: Registry
  readonly health: Health
  /** Absent where nothing is traced. */
  readonly tracing?: Tracing | undefined
  /** Has it called when the process stops, after the last request; the last one deferred is the first one called. */
  defer(dispose: () => unknown): void
  /** Has it disposed when the process stops, and gives it back: `const pool = scope.use(openPool(…))`. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T
}

export interface Service<C extends ProcessConfig> {
  /** Its name in logs, metrics and health, e.g. `projector`. */
  readonly name: string
  /** Its settings by the names of environment variables, `processSettings` among them. */
  readonly config: ConfigSchema<C>
  /**
   * Opens what the service needs and gives back its app. Until it resolves, the process already listens: it is live, not
   * ready, and answers anything else with 503.
   */
  start(config: C, scope: Scope): Promise<App | Served> | App | Served
  readonly configureServer?: ((server: Server) => void) | undefined
}

/** An app, and what stands before it. */
export interface Served {
  readonly app: App
  readonly direct: DirectHandler
}

/**
 * The life of a process: reads the configuration from the environment, serves the app, and stops cleanly on SIGTERM, SIGINT or
 * (`ARTIFACT_STORE_PARENT=stdin`) the end of standard input: readiness goes red, after the drain no more
 * connections are taken, `signal` aborts, requests
 * in flight finish within the grace, everything deferred is disposed of, exit code 0. Exit code 1 with one readable message
 * where it cannot start, and with a fatal log line where something broke that nobody caught.
 */
export async function run<C extends ProcessConfig>(service: Service<C>): Promise<never> {
  const config = readConfig(service)
  const logger = createLogger({ name: service.name, level: config.LOG_LEVEL })
  exitWhenBroken(logger)
  try {
    await serveUntilStopped(service, config, logger)
  } catch (error) {
    if (isArtifactError(error, 'configuration')) logger.fatal(`cannot start: ${error.message}`)
    else logger.fatal({ err: error }, `cannot go on: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  }
  logger.info('stopped')
  process.exit(0)
}

async function serveUntilStopped<C extends ProcessConfig>(service: Service<C>, config: C, logger: Logger): Promise<void> {
  const stop = stopRequested(config, logger)
  const stopping = new AbortController()
  await using resources = new AsyncDisposableStack()
  const [metrics, health] = [createMetrics(service.name), new Health()]
  healthMetrics(metrics, health)
  const tracing = await openTracing(config, { name: service.name, logger })
  if (tracing) resources.use(tracing)
  const scope: Scope = {
    name: service.name,
    logger,
    signal: stopping.signal,
    metrics,
    health,
    tracing,
    defer: dispose => resources.defer(async () => void (await dispose())),
    use: resource => resources.use(resource),
  }
  let app = startingApp(scope)
  let direct: DirectHandler = () => false
  const connections = connectionMetrics(metrics)
  await using server = await listenHttp({
    fetch: (request, env) => app.fetch(request, env),
    direct: (incoming, outgoing) => direct(incoming, outgoing),
    host: config.HOST,
    port: config.PORT,
    limits: {
      maxConnections: config.MAX_CONNECTIONS,
      headMs: config.HEAD_SECONDS * 1000,
      idleMs: config.KEEP_ALIVE_SECONDS * 1000,
    },
    onRefused: connections.refused,
    configureServer: http => {
      connections.watch(http)
      service.configureServer?.(http)
    },
  })
  logger.info({ url: server.url, port: server.port }, 'listening')

  const started = Promise.resolve(service.start(config, scope)).then(ready => {
    if ('direct' in ready) ({ app, direct } = ready)
    else app = ready
    scope.health.started()
    logger.info('started')
  })
  try {
    await Promise.race([started, stop])
    await stop
  } finally {
    scope.health.stopping()
    server.drain()
    await delay(config.STOP_DRAIN_SECONDS * 1000)
    const closed = server.close(config.STOP_GRACE_SECONDS * 1000)
    stopping.abort(new DOMException('the process was told to stop', 'AbortError'))
    await closed
    // A start that was interrupted ends by the signal, and only then is it known what it had opened.
    await started.catch(error => logger.debug({ err: error }, 'start was interrupted'))
  }
}

function readConfig<C extends ProcessConfig>(service: Service<C>): C {
  try {
    return loadConfig(service.config)
  } catch (error) {
    if (!isArtifactError(error, 'configuration')) throw error
    process.stderr.write(`${service.name} cannot start; these settings are wrong:\n  ${error.message.replaceAll('\n', '\n  ')}\n`)
    process.exit(1)
  }
}

function startingApp(scope: Scope): App {
  const app = createApp(scope)
  app.all('*', () => {
    throw new ArtifactError('overloaded', `the ${scope.name} is still starting; try again in a moment`)
  })
  return app
}
