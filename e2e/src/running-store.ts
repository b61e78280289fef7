import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ArtifactStoreClient, type ClientOptions } from '@artifact-store/client'
import { z } from 'zod'
import { eventually } from './eventually.ts'
import { type LauncherOptions, LauncherProcess } from './launcher-process.ts'
import { descendantsOf, listProcesses } from './processes.ts'

export type PartName = 'gateway' | 'log-writer' | 'projector' | 'postgres' | 'nats'

/** The whole system, started by the real launcher on a data directory. */
export interface RunningStore extends AsyncDisposable {
  readonly launcher: LauncherProcess
  /** Of the gateway. */
  readonly url: string
  readonly token: string
  /** The process of a part, as soon as there is one. */
  pidOf(part: PartName): Promise<number>
  /** Resolves when the part has another process than `pid`: the supervisor starts one by itself. */
  replaced(part: PartName, pid: number): Promise<void>
  /** Where a service listens, as it said itself when it last started. */
  serviceUrl(service: 'gateway' | 'log-writer' | 'projector'): string
  client(options?: Partial<ClientOptions>): ArtifactStoreClient
}

/** Resolves when it says that it is ready. @throws Error with what it said when it ends before. */
export async function startStore(options: LauncherOptions): Promise<RunningStore> {
  const launcher = new LauncherProcess(options)
  try {
    const [, url = ''] = await launcher.said(/^artifact-store ready at (\S+)$/)
    const [, token = ''] = await launcher.said(/^token: (\S+)/)
    // Its last words of the start.
    await launcher.said(/NATS/, launcher.lines.findIndex(line => line.startsWith('token: ')) + 1)
    return handle(launcher, url, token)
  } catch (error) {
    await launcher.kill9()
    throw error
  }
}

/** What the launcher keeps for those who look into the database or follow the broker. */
export async function keptAccess(dataDirectory: string): Promise<{
  /** The superuser's, to the cluster. */
  postgresUrl(database: string): string
  readonly natsUrl: string
}> {
  const read = (name: string) => readFile(join(dataDirectory, name), 'utf8')
  const { postgres: password } = z.looseObject({ postgres: z.string() }).parse(JSON.parse(await read('secrets.json')))
  const { postgres: port } = z.looseObject({ postgres: z.int() }).parse(JSON.parse(await read('ports.json')))
  return {
    postgresUrl: database => `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    natsUrl: (await read('nats-url')).trim(),
  }
}

function handle(launcher: LauncherProcess, url: string, token: string): RunningStore {
  const find = async (part: PartName) => {
    const mark = marks(launcher.dataDirectory)[part]
    return descendantsOf(launcher.pid, await listProcesses()).find(({ command }) => command.includes(mark))?.pid
  }
  const pidOf = (part: PartName) => eventually(`there is a ${part}`, () => find(part))
  return {
    launcher,
    url,
    token,
    pidOf,
    async replaced(part, pid) {
      await eventually(`the supervisor replaces the ${part}`, async () => ((await find(part)) ?? pid) !== pid || undefined)
    },
    serviceUrl(service) {
      const started = launcher.lines.findLast(line => line.startsWith(service) && line.includes('"msg":"listening"'))
      const json = started?.slice(started.indexOf('{')) ?? '{}'
      return z.looseObject({ url: z.string() }).parse(JSON.parse(json)).url
    },
    client: (given = {}) => new ArtifactStoreClient({ url, token, ...given }),
    [Symbol.asyncDispose]: () => launcher[Symbol.asyncDispose](),
  }
}

/** What the command line of each part has and no other's. */
function marks(dataDirectory: string): Record<PartName, string> {
  return {
    gateway: 'services/gateway/src/main.ts',
    'log-writer': 'services/log-writer/src/main.ts',
    projector: 'services/projector/src/main.ts',
    postgres: `-D ${join(dataDirectory, 'postgres')} `,
    nats: `-c ${join(dataDirectory, 'nats')}/`,
  }
}
