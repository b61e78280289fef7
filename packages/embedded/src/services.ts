import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EmbeddedConfig } from './config.ts'
import type { DataDirectory } from './data-directory.ts'
import { databaseName } from './database.ts'
import type { EmbeddedPostgres } from './postgres.ts'
import type { Secrets } from './secrets.ts'

export type ServiceName = 'log-writer' | 'projector' | 'gateway'

/** In the order of starting; they stop in the opposite one, so that nothing loses what it writes to. */
export const serviceNames = ['log-writer', 'projector', 'gateway'] as const satisfies readonly ServiceName[]

export interface Wiring {
  readonly config: EmbeddedConfig
  readonly data: DataDirectory
  readonly secrets: Secrets
  readonly adminToken: string
  readonly postgres: Pick<EmbeddedPostgres, 'url'>
  readonly natsUrl: string | undefined
  /** The port of each service. */
  readonly ports: Readonly<Record<ServiceName, number>>
}

export function serviceScript(config: EmbeddedConfig, name: ServiceName | 'migrate'): string {
  return join(config.servicesDirectory, name, 'src', 'main.ts')
}

/** Where a service is reached from this machine. */
export function serviceUrl({ config, ports }: Pick<Wiring, 'config' | 'ports'>, name: ServiceName): string {
  return `http://${name === 'gateway' ? reachableHost(config.host) : '127.0.0.1'}:${ports[name]}`
}

/** The whole environment of each service: each its own login, and no secret that it does not need. */
export function serviceEnvironment(wiring: Wiring): Record<ServiceName, Record<string, string>> {
  const { config, data, secrets, adminToken, postgres, natsUrl, ports } = wiring
  const common = (name: ServiceName, role: string, password: string) => ({
    ...config.inheritedEnvironment,
    LOG_LEVEL: config.logLevel,
    HOST: name === 'gateway' ? config.host : '127.0.0.1',
    PORT: String(ports[name]),
    DATABASE_URL: postgres.url(databaseName, role, password),
    LOG_ARCHIVE_URL: `fs://${pathToFileURL(data.logArchive).pathname}`,
    ...(natsUrl === undefined ? {} : { NATS_URL: natsUrl }),
  })
  return {
    'log-writer': { ...common('log-writer', 'log_writer', secrets.logWriter), LOG_WRITER_TOKEN: secrets.logWriterToken },
    projector: common('projector', 'projector', secrets.projector),
    gateway: {
      ...common('gateway', 'gateway', secrets.gateway),
      LOG_WRITER_URL: serviceUrl(wiring, 'log-writer'),
      LOG_WRITER_TOKEN: secrets.logWriterToken,
      BLOBS_URL: `fs://${pathToFileURL(data.blobs).pathname}`,
      BOOTSTRAP_TOKEN: adminToken,
    },
  }
}

/** The migration is the superuser's; it makes the login of each service with the password that the service gets. */
export function migrationEnvironment({
  config,
  secrets,
  postgres,
}: Pick<Wiring, 'config' | 'secrets' | 'postgres'>): Record<string, string> {
  return {
    ...config.inheritedEnvironment,
    LOG_LEVEL: config.logLevel,
    DATABASE_URL: postgres.url(databaseName),
    MIGRATE_LOGIN_LOG_WRITER: secrets.logWriter,
    MIGRATE_LOGIN_PROJECTOR: secrets.projector,
    MIGRATE_LOGIN_GATEWAY: secrets.gateway,
  }
}

function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
