import { startBroker } from './broker.ts'
import type { EmbeddedConfig } from './config.ts'
import { type DataDirectory, dataDirectoryError, openDataDirectory } from './data-directory.ts'
import { ensureDatabase } from './database.ts'
import { lockDirectory } from './instance-lock.ts'
import { type Kept, keepRunning } from './keep-running.ts'
import { readLastPorts, writeLastPorts } from './last-ports.ts'
import { type LineSource, prefixLine } from './line-prefix.ts'
import { freePort, isPortFree, requirePort } from './ports.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { stopLeftoverPostgres } from './postgres-leftover.ts'
import { endLeftoverServices, openProcessRecord } from './process-record.ts'
import { openAdminToken, openSecrets } from './secrets.ts'
import { runOnce, startService, waitUntilReady } from './service-process.ts'
import { migrationEnvironment, serviceEnvironment, serviceNames, serviceScript, serviceUrl, type Wiring } from './services.ts'

export interface RunOptions {
  /** Aborts: stop everything in order; `runEmbedded` resolves when all of it has ended. */
  readonly signal: AbortSignal
  /** Aborts: end everything at once. */
  readonly kill?: AbortSignal | undefined
  /** Takes each line for the person who started it: logs with their prefix, and the announcement. */
  readonly out: (line: string) => void
}

/**
 * Runs the whole system on one data directory: PostgreSQL, the migration, NATS where there is one, then log-writer, projector and
 * gateway, each a process that is started again when it ends. Announces the address and the first admin token once all three are
 * ready. Resolves when it was told to stop and everything has ended.
 * @throws ArtifactError `configuration` (second copy, port in use, directory not usable), `storage-full`, or
 * `backend-unavailable` when a part does not start; everything that was started is stopped before.
 */
export async function runEmbedded(config: EmbeddedConfig, options: RunOptions): Promise<void> {
  const data = await openDataDirectory(config.dataDirectory)
  try {
    await run(config, data, options)
  } catch (error) {
    if (!options.signal.aborted) throw dataDirectoryError(data.path, error) ?? error
  }
  options.out(prefixLine('supervisor', 'stopped'))
}

async function run(config: EmbeddedConfig, data: DataDirectory, options: RunOptions): Promise<void> {
  const { signal, kill, out } = options
  const say = (source: LineSource) => (line: string) => out(prefixLine(source, line))
  // Left in the opposite order of entering: gateway, projector, log-writer, NATS, PostgreSQL, the lock.
  await using scope = new AsyncDisposableStack()
  scope.use(await lockDirectory(data.path, data.lock))
  await endLeftoverServices(data.processes, say('supervisor'), signal)
  const gatewayPort = config.port === 0 ? await freePort(config.host) : config.port
  await requirePort(config.host, gatewayPort, 'set ARTIFACT_STORE_PORT to another port')

  const secrets = await openSecrets(data)
  const { token, source } = await openAdminToken(data, config.token)
  const lastPorts = await readLastPorts(data)
  const database = scope.use(
    await keepPostgres({ data, password: secrets.postgres, lastPort: lastPorts.postgres, options, say: say('postgres') }),
  )
  const postgres = database.current()
  await ensureDatabase(postgres.url('postgres'))
  const migration = { config, secrets, postgres }
  await runOnce(
    'the migration',
    { script: serviceScript(config, 'migrate'), env: migrationEnvironment(migration), log: say('migrate') },
    signal,
  )

  const { logLevel, nats: choice } = config
  const broker = await startBroker({
    choice,
    data,
    password: secrets.nats,
    lastPort: lastPorts.nats,
    logLevel,
    signal,
    kill,
    say: say('nats'),
  })
  if (broker.kept !== undefined) scope.use(broker.kept)
  await writeLastPorts(data, { postgres: postgres.port, nats: broker.port ?? lastPorts.nats })

  const ports = { 'log-writer': await freePort(), projector: await freePort(), gateway: gatewayPort }
  const wiring: Wiring = { config, data, secrets, adminToken: token, postgres, natsUrl: broker.url, ports }
  await startServices(wiring, scope, options)
  out(`artifact-store ready at ${serviceUrl(wiring, 'gateway')}`)
  out(`token: ${token} (${source})`)
  out(broker.announcement)

  await aborted(signal)
  say('supervisor')('stopping')
}

/** Resolves when all three are ready. */
async function startServices(wiring: Wiring, scope: AsyncDisposableStack, { signal, kill, out }: RunOptions): Promise<void> {
  const { config, data } = wiring
  const environments = serviceEnvironment(wiring)
  const record = openProcessRecord(data.processes, line => out(prefixLine('supervisor', line)))
  scope.defer(() => record.settled())
  const services: [(typeof serviceNames)[number], Kept][] = []
  for (const name of serviceNames) {
    const script = serviceScript(config, name)
    const log = (line: string) => out(prefixLine(name, line))
    const start = async () => startService({ script, env: environments[name], log })
    const onStart = ({ pid }: { pid: number }) => record.note(script, pid)
    services.push([name, scope.use(await keepRunning(start, { say: log, kill, onStart }))])
  }
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  try {
    await Promise.all(services.map(([name, kept]) => waitUntilReady(name, serviceUrl(wiring, name), kept, either)))
  } catch (error) {
    // The other two stop asking.
    failed.abort()
    throw error
  }
}

/** PostgreSQL comes back on the port that it had, so that the services need only connect again. */
async function keepPostgres(given: {
  readonly data: DataDirectory
  readonly password: string
  readonly lastPort: number | undefined
  readonly options: RunOptions
  readonly say: (line: string) => void
}): Promise<Kept<EmbeddedPostgres>> {
  const { data, password, lastPort, options, say } = given
  await stopLeftoverPostgres(data.postgres, say)
  const port = lastPort !== undefined && (await isPortFree(lastPort)) ? lastPort : await freePort()
  const start = (stop: AbortSignal) =>
    startPostgres({ directory: data.postgres, port, password, signal: AbortSignal.any([options.signal, stop]), log: say })
  return await keepRunning(start, { say, kill: options.kill })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
