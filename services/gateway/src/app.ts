import { checkedBlobStore, openBlobStore, openContentHashing, openDerivedStore } from '@artifact-store/blobs'
import {
  createBell,
  type EventFilter,
  logChannel,
  natsBell,
  openLogArchive,
  openRemoteLog,
  postgresLogReader,
  postgresRecordReader,
  tellArchive,
} from '@artifact-store/log'
import {
  type App,
  createApp,
  listen,
  openPool,
  retry,
  type Scope,
  startWakeUps,
  version,
  waitForPostgres,
} from '@artifact-store/service'
import { createUploads } from '@artifact-store/uploads'
import { viewsChannel, viewsDatabase, viewsPosition, viewsSession } from '@artifact-store/views'
import { packageChecksums } from './archive/package-checksums.ts'
import { asyncApiDocument } from './asyncapi.ts'
import { watchBlobSpace } from './blob-space.ts'
import type { GatewayConfig } from './config.ts'
import type { GatewayContext } from './context.ts'
import { openEvents } from './events/events-context.ts'
import { createTokenLookup } from './http/authenticate.ts'
import { countRefusals } from './limits/count-refusals.ts'
import { TokenLimits } from './limits/token-limits.ts'
import { mountRoutes } from './mount.ts'
import { openApiDocument } from './openapi.ts'
import { ensureBootstrapToken } from './registry/bootstrap-token.ts'
import { damageCounter } from './registry/damage-metrics.ts'
import { reportDamage } from './registry/damage-reports.ts'
import { createFileLookup } from './registry/file-lookup.ts'
import { createPackageFiles } from './registry/package-files.ts'
import { tellRequests } from './registry/tell-requests.ts'
import { tracedLog } from './registry/traced-log.ts'
import { watchedBlobs } from './registry/watched-blobs.ts'
import { routes } from './routes/index.ts'
import { checkAnyReady } from './status/log-writers.ts'
import { blobMigrations } from './stores/migrate-blobs.ts'
import { openStores } from './stores/open-stores.ts'
import { watchStores } from './stores/watch-stores.ts'
import { collectUploads } from './uploads/collect-uploads.ts'
import { registerUpload } from './uploads/register-upload.ts'
import { followViews } from './views-follower.ts'
import { tellViewsLag } from './views-lag.ts'

/** The way in: streams bytes, decides, appends through the log-writer, reads the views. */
export async function gatewayApp(config: GatewayConfig, scope: Scope): Promise<App> {
  const { logger, health, metrics, signal } = scope
  const pool = scope.use(
    openPool({
      url: config.DATABASE_URL,
      applicationName: 'artifact-store gateway',
      max: config.DATABASE_CONNECTIONS,
      queryTimeoutMs: 30_000,
      settings: viewsSession,
      logger,
    }),
  )
  const hashing = scope.use(await openContentHashing({ kernel: config.HASH_KERNEL, threads: config.HASH_THREADS }))
  logger.info({ kernel: hashing.kernel.name, threads: config.HASH_THREADS }, 'hashing')
  const { together, each: stores } = await openStores(config)
  const proof = { blocks: await openDerivedStore(config.BLOBS_URL, 'blocks'), hashing }
  const checkedBlobs = scope.use(checkedBlobStore(together, proof))
  const [preferred, ...standbys] = config.LOG_WRITER_URL
  const logWriters = [new URL(preferred), ...standbys.map(url => new URL(url))] as const
  const remoteLog = scope.use(
    openRemoteLog({
      urls: logWriters,
      token: config.LOG_WRITER_TOKEN.reveal(),
      propagation: tellRequests(scope.tracing),
    }),
  )
  const log = tracedLog(remoteLog, scope.tracing)
  const follower = followViews(pool)
  const views = viewsDatabase(pool)
  const logBell = createBell()
  const [{ place: backend }] = stores
  const onRecorded = damageCounter(metrics)
  const onDamage = reportDamage({ log, follower, views, stores, logger, blobs: checkedBlobs, onRecorded }, signal)
  const blobs = watchedBlobs(checkedBlobs, onDamage)
  const checksums = scope.use(await openDerivedStore(config.BLOBS_URL, 'checksums'))
  const { LOG_ARCHIVE_URL: archiveUrl } = config
  const archive = archiveUrl ? openLogArchive(scope.use(checkedBlobStore(await openBlobStore(archiveUrl)))) : undefined
  const read = (filter?: EventFilter) => postgresLogReader(pool, filter, archive)

  health.check('postgres', async () => `views at ${await viewsPosition(pool)}`)
  watchStores(scope, stores)
  watchBlobSpace(scope, () => checkedBlobs.space())
  health.check('views', () => tellViewsLag(read(), () => viewsPosition(pool)))
  health.check('archive', checkSignal => tellArchive(pool, archive, checkSignal))
  health.check('log-writer', checkSignal => checkAnyReady(logWriters, checkSignal))

  const packageFiles = createPackageFiles({ log, follower, views, backend })
  const uploads = createUploads({
    uploads: blobs.uploads,
    database: pool,
    register: registerUpload({ log, follower, views, backend, packageFiles }),
    expiryMs: config.UPLOAD_EXPIRY_HOURS * 60 * 60 * 1000,
    maxBytes: config.UPLOAD_MAX_BYTES,
  })
  const gateway: GatewayContext = {
    log,
    logWriters,
    read,
    records: () => postgresRecordReader(pool, archive),
    events: openEvents(scope, { pool, read, bell: logBell }),
    views,
    tokens: createTokenLookup(views),
    findFile: createFileLookup(views),
    database: pool,
    follower,
    blobs,
    backend,
    stores,
    migrateBlobs: blobMigrations({ databaseUrl: config.DATABASE_URL, proof, onDamage, logger }),
    archives: { checksums: packageChecksums({ store: checksums, blobs }, signal), laidOut: new Map() },
    packageFiles,
    uploads,
    bodyIdleMs: config.BODY_IDLE_SECONDS * 1000,
    redirectSeconds: config.DOWNLOAD_REDIRECT_SECONDS,
    uploadLimits: { maxBytes: config.UPLOAD_MAX_BYTES, maxFiles: config.UPLOAD_MAX_FILES },
    tokenLimits: tokenLimits(config),
    countRefusal: countRefusals(metrics),
    logger,
    stopping: signal,
  }

  await waitForPostgres(pool, { signal, logger })
  await startWakeUps(scope, {
    databaseUrl: config.DATABASE_URL,
    channel: logChannel,
    natsUrl: config.NATS_URL,
    overNats: connection => natsBell({ connection }, logBell),
    ring: () => logBell.ring(),
  })
  const heard = (payload: string | undefined) => follower.told(payload === undefined ? undefined : Number(payload))
  scope.use(await listen(config.DATABASE_URL, viewsChannel, heard, { signal, logger, applicationName: 'artifact-store gateway' }))
  await bootstrap(gateway, config, scope)
  const collecting = collectUploads(uploads, scope)
  scope.defer(() => collecting)

  const app = createApp(scope)
  const [openApi, asyncApi] = [openApiDocument(routes, version), asyncApiDocument(version)]
  app.get('/openapi.json', c => c.json(openApi))
  app.get('/asyncapi.json', c => c.json(asyncApi))
  mountRoutes(app, routes, gateway)
  return app
}

function tokenLimits(config: GatewayConfig): TokenLimits | undefined {
  const { TOKEN_MAX_REQUESTS: maxRequests, TOKEN_REQUESTS_PER_SECOND: perSecond, TOKEN_REQUESTS_BURST: burst } = config
  return maxRequests > 0 || perSecond > 0 ? new TokenLimits({ maxRequests, perSecond, burst }) : undefined
}

/** The log-writer and the projector may come up after the gateway: it waits for them with this one write. */
async function bootstrap(gateway: GatewayContext, config: GatewayConfig, { logger, signal }: Scope): Promise<void> {
  const secret = config.BOOTSTRAP_TOKEN
  if (!secret) return
  const found = await retry(() => ensureBootstrapToken(gateway, secret.reveal()), {
    signal,
    onFailure: (error, waitMs) => logger.warn({ err: error, waitMs }, 'the first token cannot be written yet'),
  })
  if (found === 'revoked') logger.warn('BOOTSTRAP_TOKEN was revoked: it opens nothing')
  else logger.info({ found }, 'the first admin token is valid')
}
