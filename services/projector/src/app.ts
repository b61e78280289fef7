import { checkedBlobStore, openBlobStore } from '@artifact-store/blobs'
import { createBell, logChannel, natsBell, openLogArchive, postgresLogReader, tellArchive } from '@artifact-store/log'
import { type App, createApp, openPool, type Scope, startWakeUps, waitForPostgres } from '@artifact-store/service'
import { stateDigest } from '@artifact-store/views'
import type { ProjectorConfig } from './config.ts'
import { createProjection } from './projection.ts'
import { startTraces } from './traces.ts'
import { workOnViewTasks } from './view-tasks.ts'

/** Only projectors write the views: one follows the log and applies it, the others stand by. */
export async function projectorApp(config: ProjectorConfig, scope: Scope): Promise<App> {
  const { logger, health, metrics, signal } = scope
  const pool = scope.use(
    openPool({ url: config.DATABASE_URL, applicationName: 'artifact-store projector', max: 4, queryTimeoutMs: 60_000, logger }),
  )
  const { LOG_ARCHIVE_URL: archiveUrl } = config
  const archive = archiveUrl ? openLogArchive(scope.use(checkedBlobStore(await openBlobStore(archiveUrl)))) : undefined
  const log = postgresLogReader(pool, {}, archive)
  const bell = createBell()
  health.check('postgres', async () => `log at ${await log.head()}`)
  health.check('archive', checkSignal => tellArchive(pool, archive, checkSignal))
  const projection = createProjection(scope, pool, log)

  const app = createApp(scope)
  app.get('/v1/position', async c => {
    const { position, appliedAt } = await projection.look()
    const head = await log.head()
    return c.json({ position, head, lag: Math.max(0, head - position), appliedAt: appliedAt?.toISOString() ?? null })
  })
  app.get('/v1/state-digest', async c => c.json(await stateDigest(pool)))

  await waitForPostgres(pool, { signal, logger })
  await startWakeUps(scope, {
    databaseUrl: config.DATABASE_URL,
    channel: logChannel,
    natsUrl: config.NATS_URL,
    overNats: connection => natsBell({ connection }, bell),
    ring: () => bell.ring(),
  })
  projection.start(config, bell, await startTraces(scope, config.DATABASE_URL))
  const working = workOnViewTasks({
    databaseUrl: config.DATABASE_URL,
    pool,
    archive,
    batchSize: config.PROJECTOR_BATCH,
    logger,
    metrics,
    signal,
  })
  scope.defer(() => working)
  return app
}
