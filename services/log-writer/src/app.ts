import { openPostgresLog } from '@artifact-store/log'
import { type App, createApp, openPool, type Scope, waitForPostgres } from '@artifact-store/service'
import { Gauge, Histogram } from 'prom-client'
import { appendRoute } from './append-route.ts'
import type { LogWriterConfig } from './config.ts'
import { startRelay } from './relay.ts'

/** The only process that may append: funnels what it is asked to into batches, and relays what was appended. */
export async function logWriterApp(config: LogWriterConfig, scope: Scope): Promise<App> {
  const { logger, health, metrics, signal } = scope
  const pool = scope.use(openPool({ url: config.DATABASE_URL, applicationName: 'artifact-store log-writer', max: 4, logger }))
  const batches = new Histogram({
    name: 'artifact_store_append_batch_size',
    help: 'Appends that went into one transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [metrics],
  })
  const log = openPostgresLog(pool, {
    maxBatchEvents: config.LOG_WRITER_MAX_BATCH,
    // Requests are pushed back whole, by the route.
    maxWaiting: Number.POSITIVE_INFINITY,
    onBatch: size => batches.observe(size),
  })
  new Gauge({
    name: 'artifact_store_append_waiting',
    help: 'Appends that wait for the next batch.',
    registers: [metrics],
    collect() {
      this.set(log.waiting)
    },
  })
  health.check('postgres', async () => `log at ${await log.head()}`)

  const app = createApp(scope)
  app.post('/v1/appends', appendRoute({ log, token: config.LOG_WRITER_TOKEN, maxWaiting: config.LOG_WRITER_MAX_WAITING }))

  await waitForPostgres(pool, { signal, logger })
  await startRelay(config, scope, log)
  return app
}
