import { createBell, logChannel, natsBell, postgresLogReader } from '@artifact-store/log'
import { type App, createApp, openPool, type Scope, startWakeUps, waitForPostgres } from '@artifact-store/service'
import { createViewWriter, stateDigest } from '@artifact-store/views'
import { Gauge } from 'prom-client'
import type { ProjectorConfig } from './config.ts'
import { type ProjectionStatus, project } from './project.ts'

/** The only process that writes the views: follows the log and applies it. */
export async function projectorApp(config: ProjectorConfig, scope: Scope): Promise<App> {
  const { logger, health, metrics, signal } = scope
  const pool = scope.use(openPool({ url: config.DATABASE_URL, applicationName: 'artifact-store projector', max: 4, logger }))
  const log = postgresLogReader(pool)
  const bell = createBell()
  let status: ProjectionStatus = { position: 0 }

  new Gauge({
    name: 'artifact_store_projection_position',
    help: 'The sequence of the last event that was applied to the views.',
    registers: [metrics],
    collect() {
      this.set(status.position)
    },
  })
  new Gauge({
    name: 'artifact_store_projection_lag_events',
    help: 'Events that are in the log and not yet in the views.',
    registers: [metrics],
    async collect() {
      this.set(Math.max(0, (await log.head().catch(() => status.position)) - status.position))
    },
  })
  health.check('postgres', async () => `log at ${await log.head()}`)
  health.check('projection', async () => {
    if (status.poison) throw status.poison
    return `views at ${status.position}`
  })

  const app = createApp(scope)
  app.get('/v1/position', async c => {
    const head = await log.head()
    return c.json({
      position: status.position,
      head,
      lag: Math.max(0, head - status.position),
      appliedAt: status.appliedAt?.toISOString() ?? null,
    })
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
