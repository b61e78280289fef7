import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, runOnce, startNats, startPostgres, startService } from '@artifact-store/embedded'
import { plainEnvironment } from '../environment.ts'
import { eventually } from '../eventually.ts'
import { isReady } from './is-ready.ts'

const password = 'of every role'
/** So long a stopping service answers on; four times what the balancer needs to notice. */
const drainSeconds = '1'

/** Two of each service, on a PostgreSQL and a NATS of their own. Each has one address for as long as the deployment lives. */
export interface Deployment extends AsyncDisposable {
  /** The first admin token. */
  readonly token: string
  readonly gatewayPorts: readonly number[]
  /** Runs the migration of a checkout. */
  migrate(root: string): Promise<void>
  /** Starts all of them. */
  start(root: string): Promise<void>
  /**
   * One after the other is stopped, and that of another checkout takes its place; readers before writers.
   * @param stopping is waited for before a gateway is told to stop, `started` when the new one is ready.
   */
  roll(root: string, around?: { stopping(port: number): Promise<void>; started(port: number): Promise<void> }): Promise<void>
}

export async function makeDeployment(directory: string): Promise<Deployment> {
  await using stack = new AsyncDisposableStack()
  const postgres = await startPostgres({ directory: join(directory, 'postgres'), password, settings: { fsync: 'off' } })
  stack.defer(() => postgres.kill())
  const nats = await startNats({ directory: join(directory, 'nats'), user: 'relay', password: 'secret' })
  stack.defer(() => nats.kill())
  await mkdir(join(directory, 'blobs'))
  const token = randomBytes(16).toString('hex')
  const said: string[] = []
  const log = (line: string) => void said.push(line)
  const withWhatWasSaid = (error: unknown): never => {
    throw new Error(`${error instanceof Error ? error.message : error}\n${said.slice(-20).join('\n')}`, { cause: error })
  }

  const places: Place[] = []
  for (const name of ['projector', 'log-writer', 'gateway'] as const)
    for (let i = 0; i < 2; i++) places.push({ name, port: await freePort(), service: undefined })
  stack.defer(async () => void (await Promise.all(places.map(({ service }) => service?.stop()))))
  const portsOf = (name: ServiceName) => places.filter(place => place.name === name).map(({ port }) => port)

  const databaseUrl = (role: string) => Object.assign(new URL(postgres.url('postgres')), { username: role, password }).href
  const shared = {
    NATS_URL: nats.url,
    // Many processes load the same sources.
    NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
    STOP_DRAIN_SECONDS: drainSeconds,
    LOG_WRITER_TOKEN: 'shared by both sides',
  }
  const settings = {
    projector: { DATABASE_URL: databaseUrl('projector') },
    'log-writer': { DATABASE_URL: databaseUrl('log_writer') },
    gateway: {
      DATABASE_URL: databaseUrl('gateway'),
      LOG_WRITER_URL: portsOf('log-writer').map(httpUrl).join(','),
      BLOBS_URL: `fs://${join(directory, 'blobs')}`,
      BOOTSTRAP_TOKEN: token,
    },
  }
  const startAt = async (place: Place, root: string) => {
    const { name, port } = place
    const env = { ...plainEnvironment(), ...shared, ...settings[name], PORT: String(port) }
    place.service = startService({ script: mainOf(root, name), env, log })
    await eventually(`the ${name} is ready`, async () => (await isReady(port)) || undefined).catch(withWhatWasSaid)
  }

  const made = stack.move()
  return {
    token,
    gatewayPorts: portsOf('gateway'),
    async migrate(root) {
      const logins = ['LOG_WRITER', 'PROJECTOR', 'GATEWAY'].map(role => [`MIGRATE_LOGIN_${role}`, password])
      const env = { ...plainEnvironment(), DATABASE_URL: postgres.url('postgres'), ...Object.fromEntries(logins) }
      await runOnce('the migration', { script: mainOf(root, 'migrate'), env, log }, new AbortController().signal).catch(
        withWhatWasSaid,
      )
    },
    async start(root) {
      await Promise.all(places.map(place => startAt(place, root)))
    },
    async roll(root, around) {
      for (const place of places) {
        if (place.name === 'gateway') await around?.stopping(place.port)
        await place.service?.stop()
        const exit = await place.service?.exited
        if (exit?.code !== 0) throw new Error(`a ${place.name} that was told to stop ended with ${exit?.code ?? exit?.signal}`)
        await startAt(place, root)
        if (place.name === 'gateway') await around?.started(place.port)
      }
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  }
}

type ServiceName = 'projector' | 'log-writer' | 'gateway'

interface Place {
  readonly name: ServiceName
  readonly port: number
  service: ReturnType<typeof startService> | undefined
}

function mainOf(root: string, name: ServiceName | 'migrate'): string {
  return join(root, 'services', name, 'src', 'main.ts')
}

function httpUrl(port: number): string {
  return `http://127.0.0.1:${port}`
}
