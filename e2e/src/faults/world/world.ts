import { appendFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, openClock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Link } from './link.ts'
import { openNetwork } from './network.ts'
import type { Pair } from './pairs.ts'
import type { Part } from './part.ts'
import { type DiskName, openPlaces } from './places.ts'
import { natsLogin, natsPart, postgresPart } from './servers.ts'
import { type ServiceName, servicePart } from './service-part.ts'
import { databasePassword, databases, type Template } from './template.ts'

export type PartKind = ServiceName | 'postgres' | 'nats'
export type ClockName = 'database' | 'services'

export interface WorldOptions {
  /** Its own, made and empty. */
  readonly directory: string
  readonly template: Template
  readonly gateways: number
  /** Whether the log is in partitions of a few events each. */
  readonly smallPartitions: boolean
  /** Whether the parts have small file systems of their own. */
  readonly smallDisks: boolean
  /** The library by which clocks can be stepped; undefined: they are true. */
  readonly fakeClock: string | undefined
}

/** The whole system as processes, every socket between them led through a link that can be broken. */
export interface World extends AsyncDisposable {
  readonly parts: readonly Part[]
  partsOf(kind: PartKind): readonly Part[]
  linksOf(pair: Pair): readonly Link[]
  /** As clients reach them, each through its own link. */
  readonly gatewayUrls: readonly string[]
  readonly logWriterUrls: readonly [string, string]
  /** As subscribers reach them, through their links. */
  readonly subscriber: { readonly postgresUrl: string; readonly natsUrl: string }
  /** As those reach them who break and check things: past all links, and another address after each start. */
  postgresUrl(role?: string, database?: string): string
  natsUrl(): string
  /** Where a service listens, past all links; undefined when it does not. */
  serviceUrl(part: Part): string | undefined
  readonly directories: Readonly<Record<DiskName, string>>
  /** Where the log's archive is. */
  readonly logArchive: string
  readonly disks: ReadonlyMap<DiskName, Disk>
  readonly clocks: ReadonlyMap<ClockName, Clock>
  /** Writes down what happens, and when, into `notes.txt` of its directory: milliseconds since the world was opened. */
  note(what: string): void
}

/** What the log-writers ask of those who append. */
export const logWriterToken = 'the-log-writers-of-the-fault-suite'
/** Of the first admin. */
export const adminToken = 'the-admin-of-the-fault-suite'

const logWriters = ['log-writer-1', 'log-writer-2'] as const
const projectors = ['projector-1', 'projector-2'] as const

/** Starts everything at once, as it would be after a power cut; what depends on something else waits for it. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const { directory, template, gateways, smallPartitions, smallDisks, fakeClock } = options
  await using opened = new AsyncDisposableStack()
  const since = performance.now()
  const note = (what: string) =>
    appendFileSync(join(directory, 'notes.txt'), `${Math.round(performance.now() - since)} ms: ${what}\n`)
  const { directories, disks } = opened.use(await openPlaces(directory, smallDisks))
  await template.copyTo(directories.postgres)
  await mkdir(join(directory, 'logs'))
  const logArchive = join(directory, 'log-archive')
  const network = opened.use(openNetwork())

  const clocks = new Map<ClockName, Clock>()
  for (const name of ['database', 'services'] as const)
    if (fakeClock) clocks.set(name, openClock(fakeClock, join(directory, `clock-${name}`)))
  const environmentOf = (name: ClockName) => clocks.get(name)?.environment ?? {}

  const live: string = smallPartitions ? databases.smallPartitions : databases.usual
  const databaseAt = (address: string, role: string, database = live) =>
    `postgresql://${role}:${databasePassword}@${address}/${database}`
  const natsAt = (address: string) => `nats://${natsLogin.user}:${natsLogin.password}@${address}`
  const byKind = new Map<PartKind, Part[]>()
  const add = (kind: PartKind, part: Part) => void byKind.set(kind, [...(byKind.get(kind) ?? []), opened.use(part)])
  const common = (name: string) => ({
    logFile: join(directory, 'logs', `${name}.log`),
    onListening: (port: number) => network.listensAt(name, port),
    note,
  })
  const addService = async (service: ServiceName, name: string, role: string, env: Readonly<Record<string, string>> = {}) => {
    const settings = {
      DATABASE_URL: databaseAt(await network.lead(`${service}-postgres`, name, 'postgres'), role),
      NATS_URL: natsAt(await network.lead(`${service}-nats`, name, 'nats')),
      LOG_ARCHIVE_URL: `fs://${logArchive}`,
      NODE_COMPILE_CACHE: join(directory, '..', 'compile-cache'),
      ...environmentOf('services'),
      ...env,
    }
    add(service, servicePart({ service, name, env: settings, ...common(name) }))
  }

  add(
    'postgres',
    postgresPart({ directory: directories.postgres, environment: environmentOf('database'), ...common('postgres') }),
  )
  add('nats', natsPart({ directory: directories.nats, ...common('nats') }))
  for (const name of logWriters) await addService('log-writer', name, 'log_writer', { LOG_WRITER_TOKEN: logWriterToken })
  for (const name of projectors) await addService('projector', name, 'projector')
  const gatewayNames = Array.from({ length: gateways }, (_, index) => `gateway-${index + 1}`)
  for (const name of gatewayNames) {
    const writers = await Promise.all(logWriters.map(writer => network.lead('gateway-log-writer', name, writer)))
    await addService('gateway', name, 'gateway', {
      LOG_WRITER_URL: writers.map(address => `http://${address}`).join(','),
      LOG_WRITER_TOKEN: logWriterToken,
      BLOBS_URL: `fs://${directories.blobs}`,
      BOOTSTRAP_TOKEN: adminToken,
    })
  }
  const forClients = async (pair: Pair, name: string) => `http://${await network.lead(pair, 'client', name)}`
  const partsOf = (kind: PartKind) => byKind.get(kind) ?? []
  const view: Omit<World, keyof AsyncDisposable> = {
    parts: [...byKind.values()].flat(),
    partsOf,
    linksOf: network.of,
    gatewayUrls: await Promise.all(gatewayNames.map(name => forClients('client-gateway', name))),
    logWriterUrls: [await forClients('client-log-writer', 'log-writer-1'), await forClients('client-log-writer', 'log-writer-2')],
    subscriber: {
      postgresUrl: databaseAt(await network.lead('subscriber-postgres', 'subscriber', 'postgres'), 'gateway'),
      natsUrl: natsAt(await network.lead('subscriber-nats', 'subscriber', 'nats')),
    },
    postgresUrl: (role = 'postgres', database) => databaseAt(`127.0.0.1:${network.portOf('postgres') ?? 1}`, role, database),
    natsUrl: () => natsAt(`127.0.0.1:${network.portOf('nats') ?? 1}`),
    serviceUrl(part) {
      const port = network.portOf(part.name)
      return part.isUp && port !== undefined ? `http://127.0.0.1:${port}` : undefined
    },
    directories,
    logArchive,
    disks,
    clocks,
    note,
  }
  const kept = opened.move()
  return { ...view, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}
