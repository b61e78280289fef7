import { checkedBlobStore, openBlobStore } from '@artifact-store/blobs'
import { createBell, maxAppendRequestBytes, openLogArchive, openPostgresLog, postgresRecordReader } from '@artifact-store/log'
import { createApp, mountDirect, openPool, type Scope, type Served, waitForPostgres } from '@artifact-store/service'
import { createIntake } from './append-intake.ts'
import { appendMetrics } from './append-metrics.ts'
import { appendRoute } from './append-route.ts'
import { startArchiving } from './archive.ts'
import type { LogWriterConfig } from './config.ts'
import { databaseMetrics } from './database-metrics.ts'
import { startPartitionKeeping } from './partitions.ts'
import { startRelay } from './relay.ts'
import { startTraces } from './traces.ts'

/**
 * Only log-writers may append: each funnels what it is asked to into batches, and one of them relays what was appended. Several may run at
 * once; the lock in the database orders their batches.
 */
export async function logWriterApp(config: LogWriterConfig, scope: Scope): Promise<Served> {
  const { logger, health, signal } = scope
  const pool = scope.use(
    openPool({
      url: config.DATABASE_URL,
      applicationName: 'artifact-store log-writer',
      max: 4,
      queryTimeoutMs: config.LOG_WRITER_DATABASE_SECONDS * 1000,
      logger,
    }),
  )
  const intake = createIntake({ maxBodyBytes: maxAppendRequestBytes, maxWaitingBytes: config.LOG_WRITER_MAX_WAITING_BYTES })
  const metrics = appendMetrics(scope.metrics, { appends: () => log.waiting, bytes: () => intake.bytes })
  databaseMetrics(scope.metrics, pool)
  const traces = await startTraces(config, scope, pool)
  const grown = createBell()
  let lastAppended = 0
  const { LOG_ARCHIVE_URL: archiveUrl } = config
  const archive = archiveUrl ? openLogArchive(scope.use(checkedBlobStore(await openBlobStore(archiveUrl)))) : undefined
  const log = openPostgresLog(pool, {
    maxBatchEvents: config.LOG_WRITER_MAX_BATCH,
    // Requests are pushed back whole, by the route.
    maxWaiting: Number.POSITIVE_INFINITY,
    archive,
    onBatch(batch) {
      metrics.batch(batch)
      if (batch.traced.length > 0) traces?.batch(batch)
      lastAppended = Math.max(lastAppended, batch.lastSequence)
      grown.ring()
    },
  })
  health.check('postgres', async () => `log at ${await log.head()}`)

  const app = createApp(scope)
  const { LOG_WRITER_TOKEN: token, LOG_WRITER_MAX_WAITING: maxWaiting } = config
  const direct = mountDirect(app, appendRoute({ log, intake, metrics, traces, token, maxWaiting }), scope)

  await waitForPostgres(pool, { signal, logger })
  startPartitionKeeping(config, scope, pool)
  startArchiving(config, scope, pool, archive)
  await startRelay(config, scope, postgresRecordReader(pool, archive), { bell: grown, last: () => lastAppended, traces })
  return { app, direct }
}
