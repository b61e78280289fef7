import { ArtifactError } from '@artifact-store/core'
import { createBell, logChannel, natsBell, postgresLogReader } from '@artifact-store/log'
import { type App, createApp, openPool, type Scope, startWakeUps, waitForPostgres } from '@artifact-store/service'
import { createViewWriter, stateDigest } from '@artifact-store/views'
import type { ProjectorConfig } from './config.ts'
import { projectionMetrics } from './metrics.ts'
import { type ProjectionStatus, project } from './project.ts'

/** The only process that writes the views: follows the log and applies it. */
export async function projectorApp(config: ProjectorConfig, scope: Scope): Promise<App> {
  const { logger, health, metrics, signal } = scope
  const pool = scope.use(openPool({ url: config.DATABASE_URL, applicationName: 'artifact-store projector', max: 4, logger }))
  const log = postgresLogReader(pool)
  const bell = createBell()
  let status: ProjectionStatus = { position: 0 }

  projectionMetrics(metrics, log, () => status)
  health.check('postgres', async () => `log at ${await log.head()}`)
  health.check('projection', async () => {
    const { position, obstacle } = status
    if (obstacle) throw obstacle
    // The log, read later, has all that the views show, unless it is not the log that they were made from.
    const head = await log.head()
    if (position > head) throw viewsAhead(position, head)
    return `views at ${position}`
  })

  const app = createApp(scope)
  app.get('/v1/position', async c => {
    const { position, appliedAt } = status
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
  const projecting = project({
    log,
    writer: createViewWriter(pool),
    bell,
    batchSize: config.PROJECTOR_BATCH,
    logger,
    signal,
    onStatus(next) {
      status = next
    },
  })
  scope.defer(() => projecting)
  return app
}

function viewsAhead(position: number, head: number): ArtifactError {
  return new ArtifactError(
    'configuration',
    `the views are at ${position} but the log only at ${head}: they were made from another log, or an older copy of the database was restored. Restore the newer one, or empty the views so that they are made anew`,
    { details: { position, head } },
  )
}
