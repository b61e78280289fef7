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
  'NODE_COMPILE_CACHE',
  'HASH_KERNEL',
  'HASH_THREADS',
]
const root = resolve(import.meta.dirname, '..', '..', '..')

const port = (least: number) => {
  const takes = `a port number from ${least} to 65535`
  return z
    .string()
    .refine(text => /^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= 65_535, `must be ${takes}`)
    .transform(Number)
    .meta({ takes })
}

const choice = <const T extends readonly string[]>(words: T, otherwise = `must be one of ${words.join(', ')}`) =>
  z.enum(words, otherwise).meta({ takes: `one of ${words.join(', ')}` })

/** Each says what it means, and what it takes: the table of the settings in docs/OPERATIONS.md is made from that. */
export const embeddedSettings = z
  .object({
    ARTIFACT_STORE_DATA: z
      .string()
      .meta({ takes: 'a directory' })
      .optional()
      .describe('where everything is kept; `data` in the repository where it is not given'),
    ARTIFACT_STORE_PORT: port(0).default(8080).describe('the gateway’s port; `0` takes a free one'),
    ARTIFACT_STORE_HOST: z
      .string()
      .meta({ takes: 'an address to listen on' })
      .default('127.0.0.1')
      .describe('the address on which the gateway listens'),
    ARTIFACT_STORE_TOKEN: z
      .string()
      .regex(/^[A-Za-z0-9._~+/-]{16,200}=*$/, 'must be 16 to 200 letters, digits and . _ ~ + / - (RFC 6750)')
      .meta({ takes: '16 to 200 letters, digits and `. _ ~ + / -`; secret' })
      .optional()
      .describe('the first admin token; made at the first start where it is not given'),
    ARTIFACT_STORE_NATS: choice(['on', 'off'], 'must be on or off').default('on').describe('`off`: start and use no NATS'),
    ARTIFACT_STORE_NATS_PORT: port(1)
      .optional()
      .describe('the port of the NATS server that is started; a free one where it is not given, and the same at the next start'),
    NATS_URL: z
      .string()
      .regex(/^(nats|tls|ws|wss):\/\/\S+$/, 'must be a URL like nats://user:password@host:4222')
      .meta({ takes: 'a URL like `nats://user:password@host:4222`; secret' })
      .optional()
      .describe('a NATS server of your own, used instead'),
    HASH_KERNEL: choice(['portable', 'native', 'auto']).optional().describe('given to the gateway'),
    HASH_THREADS: z
      .string()
      .regex(/^(\d|[1-5]\d|6[0-4])$/, 'must be a whole number from 0 to 64')
      .meta({ takes: 'a whole number from 0 to 64' })
      .optional()
      .describe('given to the gateway'),
    LOG_LEVEL: choice(logLevels).default('info').describe('the least of what is logged'),
  })
  .check(
    z.refine(given => given.ARTIFACT_STORE_PORT === 0 || given.ARTIFACT_STORE_PORT !== given.ARTIFACT_STORE_NATS_PORT, {
      error: 'is the gateway’s port as well: give NATS another one',
      path: ['ARTIFACT_STORE_NATS_PORT'],
      when: ({ issues }) =>
        !issues.some(({ path }) => path?.[0] === 'ARTIFACT_STORE_PORT' || path?.[0] === 'ARTIFACT_STORE_NATS_PORT'),
    }),
  )

/**
 * Reads the whole configuration. An empty variable counts as not set; a relative data directory is taken from the current one.
 * @throws ArtifactError `configuration`, one sentence that names every mistake.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): EmbeddedConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = embeddedSettings.safeParse(given)
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
    throw new ArtifactError('configuration', `the configuration is wrong: ${mistakes.join('; ')}`, { details: { mistakes } })
  }
  const values = parsed.data
  return {
    dataDirectory: resolve(values.ARTIFACT_STORE_DATA ?? join(root, 'data')),
    port: values.ARTIFACT_STORE_PORT,
    host: values.ARTIFACT_STORE_HOST,
    token: values.ARTIFACT_STORE_TOKEN,
    nats: natsChoice(values),
    logLevel: values.LOG_LEVEL,
    servicesDirectory: join(root, 'services'),
    inheritedEnvironment: Object.fromEntries(Object.entries(given).filter(([name]) => isInherited(name))) as Record<
      string,
      string
    >,
  }
}

/** Tracing is set by the standard variables of OpenTelemetry, which the services check. */
function isInherited(name: string): boolean {
  return inherited.includes(name) || name.startsWith('OTEL_')
}

/** Where programs are looked for, as the caller's shell does. */
export function searchPath(): string {
  const { PATH = '' } = process.env
  return PATH
}

function natsChoice(values: z.infer<typeof embeddedSettings>): NatsChoice {
  if (values.ARTIFACT_STORE_NATS === 'off') return { kind: 'off' }
  if (values.NATS_URL !== undefined) return { kind: 'external', url: values.NATS_URL }
  return { kind: 'embedded', port: values.ARTIFACT_STORE_NATS_PORT }
}
