import { readFileSync } from 'node:fs'
import { ArtifactError } from '@artifact-store/core'
import type { z } from 'zod'
import { connectionLimits } from './connection-limits.ts'
import { choice, host, integer, logLevel, port } from './settings.ts'
import { tracingSettings } from './tracing/tracing-settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A zod object whose keys are the names of environment variables and whose output is `C`. */
export type ConfigSchema<C> = z.ZodObject & { readonly _zod: { readonly output: C } }

/**
 * Reads a configuration whose keys are the names of environment variables. An empty variable counts as not given. Instead of
 * `NAME`, any setting may be given as `NAME_FILE`: the file's text without its last line break (the way that container
 * platforms hand over secrets). Settings that contradict one another are found too where the schema has a `contradiction` about them.
 * @throws ArtifactError `configuration` that lists every mistake on a line of its own: `NAME: what is wrong (what to give)`;
 *   the lines are also in `details.mistakes`.
 */
export function loadConfig<C>(schema: ConfigSchema<C>, env: Environment = process.env): C {
  const mistakes = new Map<string, string>()
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = readSetting(name, env, schema, mistakes)
    if (value !== undefined) given[name] = value
  }
  const parsed = schema.safeParse(given)
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? 'settings')
    if (!mistakes.has(name)) mistakes.set(name, issue.message)
  }
  if (parsed.success && mistakes.size === 0) return parsed.data
  const lines = [...mistakes].map(([name, mistake]) => `${name}: ${mistake}`)
  throw new ArtifactError('configuration', lines.join('\n'), { details: { mistakes: lines } })
}

/** The settings that every process has. A service's schema is `z.object({ ...processSettings({ port: 8080 }), … })`. */
export function processSettings(defaults: { port: number }) {
  return {
    HOST: host().default('127.0.0.1').describe('address to listen on'),
    PORT: port().default(defaults.port).describe('port to listen on; `0` takes a free one'),
    MAX_CONNECTIONS: integer({ max: 1_000_000 })
      .default(connectionLimits.maxConnections)
      .describe(
        'most connections at once, idle ones among them; those above are closed as they come, whoever looks after the health of the process too. `0`: as many as it may open files',
      ),
    HEAD_SECONDS: integer({ min: 1, max: 3600 })
      .default(connectionLimits.headMs / 1000)
      .describe('how long the head of a request may take, from the opening of the connection for the first one'),
    KEEP_ALIVE_SECONDS: integer({ min: 1, max: 86_400 })
      .default(connectionLimits.idleMs / 1000)
      .describe('how long a connection may be idle between requests; longer than a balancer in front keeps its own'),
    LOG_LEVEL: logLevel().default('info').describe('the least of what is logged'),
    STOP_DRAIN_SECONDS: integer({ min: 0, max: 300 })
      .default(0)
      .describe(
        'how long requests are still taken once the process was told to stop, while its readiness is red already: what balancers need to notice',
      ),
    STOP_GRACE_SECONDS: integer({ min: 0, max: 3600 })
      .default(10)
      .describe('how long requests in flight may take to finish after that'),
    ARTIFACT_STORE_PARENT: choice(['stdin'])
      .optional()
      .describe('`stdin`: stop when standard input ends, so that the process never outlives the one that started it'),
    ...tracingSettings(),
  }
}

/** What `run` itself reads of a configuration. */
export type ProcessConfig = z.output<z.ZodObject<ReturnType<typeof processSettings>>>

function readSetting(name: string, env: Environment, schema: z.ZodObject, mistakes: Map<string, string>): string | undefined {
  const direct = env[name] || undefined
  const fileSetting = `${name}_FILE`
  const file = fileSetting in schema.shape ? undefined : env[fileSetting] || undefined
  if (file === undefined) return direct
  if (direct !== undefined) {
    mistakes.set(name, `is given twice (give either ${name} or ${fileSetting})`)
    return undefined
  }
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    mistakes.set(
      name,
      `${fileSetting} cannot be read: ${error instanceof Error ? error.message : String(error)} (give a readable file)`,
    )
    return undefined
  }
}
