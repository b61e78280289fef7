import { join, resolve } from 'node:path'
import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'

/** What `npm start` is told, all of it from the environment. */
export interface EmbeddedConfig {
  /** Absolute; holds everything that is kept between runs. */
  readonly dataDirectory: string
  /** The gateway's. 0 takes a free port. */
  readonly port: number
  readonly host: string
  /** The first admin token; made and kept in the data directory when absent. */
  readonly token?: string | undefined
  readonly nats: NatsChoice
  readonly logLevel: (typeof logLevels)[number]
  /** Holds `<service>/src/main.ts` of each service. */
  readonly servicesDirectory: string
  /** What the services see of our own environment, beside what they are given. */
  readonly inheritedEnvironment: Readonly<Record<string, string>>
}

export type NatsChoice =
  | { readonly kind: 'off' }
  | { readonly kind: 'external'; readonly url: string }
  /** Found or shipped; `port` is free and kept when absent. */
  | { readonly kind: 'embedded'; readonly port?: number | undefined }

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const inherited = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_V8_COVERAGE',
  'HASH_KERNEL',
  'HASH_THREADS',
]
const root = resolve(import.meta.dirname, '..', '..', '..')

const port = (least: number) => {
  const message = `must be a port number from ${least} to 65535`
  return z
    .string()
    .refine(text => /^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535, message)
    .transform(Number)
    .optional()
}

const schema = z.object({
  ARTIFACT_STORE_DATA: z.string().default(join(root, 'data')),
  ARTIFACT_STORE_PORT: port(0),
  ARTIFACT_STORE_HOST: z.string().default('127.0.0.1'),
  ARTIFACT_STORE_TOKEN: z
    .string()
    .regex(/^[A-Za-z0-9._~+/-]{16,200}=*$/, 'must be 16 to 200 letters, digits and . _ ~ + / - (RFC 6750)')
    .optional(),
  ARTIFACT_STORE_NATS: z.enum(['on', 'off'], 'must be on or off').default('on'),
  ARTIFACT_STORE_NATS_PORT: port(1),
  NATS_URL: z
    .string()
    .regex(/^(nats|tls|ws|wss):\/\/\S+$/, 'must be a URL like nats://user:password@host:4222')
    .optional(),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
})

/**
 * Reads the whole configuration. An empty variable counts as not set; a relative data directory is taken from the current one.
 * @throws ArtifactError `configuration`, one sentence that names every mistake.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): EmbeddedConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
    throw new ArtifactError('configuration', `the configuration is wrong: ${mistakes.join('; ')}`, { details: { mistakes } })
  }
  const values = parsed.data
  return {
    dataDirectory: resolve(values.ARTIFACT_STORE_DATA),
    port: values.ARTIFACT_STORE_PORT ?? 8080,
    host: values.ARTIFACT_STORE_HOST,
    token: values.ARTIFACT_STORE_TOKEN,
    nats: natsChoice(values),
    logLevel: values.LOG_LEVEL,
    servicesDirectory: join(root, 'services'),
    inheritedEnvironment: Object.fromEntries(inherited.flatMap(name => (given[name] === undefined ? [] : [[name, given[name]]]))),
  }
}

/** Where programs are looked for, as the caller's shell does. */
export function searchPath(): string {
  const { PATH = '' } = process.env
  return PATH
}

function natsChoice(values: z.infer<typeof schema>): NatsChoice {
  if (values.ARTIFACT_STORE_NATS === 'off') return { kind: 'off' }
  if (values.NATS_URL !== undefined) return { kind: 'external', url: values.NATS_URL }
  return { kind: 'embedded', port: values.ARTIFACT_STORE_NATS_PORT }
}
