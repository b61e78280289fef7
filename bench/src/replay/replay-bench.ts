import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startPostgres } from '@artifact-store/embedded'
import { logMigrations, migrate } from '@artifact-store/log'
import { dropPreviousViews, stateDigest, viewMigrations } from '@artifact-store/views'
import pg from 'pg'
import type { Bench, RateMeasurement } from '../harness/bench.ts'
import { median, twoDigits } from '../harness/median.ts'
import { fillEmmett, projectEmmett } from './emmett-projection.ts'
import { fillLog } from './fill-log.ts'
import { insertSelect } from './insert-select.ts'

/** What a replay of a large log needs of the server: that the indexes which it writes at random fit into memory, and few checkpoints. */
const settings = { shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '30min', maintenance_work_mem: '512MB' }

const emmettEvents = 10_000

interface Outcome {
  readonly seconds: number
  readonly peakMegabytes?: number
}

/** How the views of the first so many events come about. Each begins with empty ones. */
const ways = {
  replay: (url, events) => inProcess('replay', url, events),
  rebuild: (url, events) => inProcess('rebuild', url, events),
  'INSERT … SELECT': byPlainSql,
} as const satisfies Record<string, (url: string, events: number) => Promise<Outcome>>

type Way = keyof typeof ways

/**
 * One log of a registry at work; its beginnings, of each of the lengths asked for, are made into views in every way, interleaved, and the views
 * are compared. The peer projects a log of its own on the same server.
 */
export const replayBench: Bench = async ({ rounds, events: lengths = [100_000, 1_000_000], say }) => {
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-bench-'))
  try {
    await using postgres = await startPostgres({
      directory: join(directory, 'postgres'),
      password: randomBytes(12).toString('hex'),
      settings,
    })
    const url = await makeDatabase(name => postgres.url(name), 'ours')
    await fillLog(url, Math.max(...lengths), say)
    const peerUrl = await makeDatabase(name => postgres.url(name), 'emmett')
    await fillEmmett(peerUrl, emmettEvents)

    const measured = new Map<string, RateMeasurement[]>()
    const note = (name: string, events: number, { seconds, ...rest }: Outcome, round: number) => {
      const rate = events / seconds
      measured.set(name, [...(measured.get(name) ?? []), { eventsPerSecond: rate, ...rest }])
      say(
        `round ${round}: ${name}: ${Math.round(rate)} events/s${rest.peakMegabytes ? `, at most ${Math.round(rest.peakMegabytes)} MB` : ''}`,
      )
    }
    for (let round = 1; round <= rounds; round += 1) {
      note('emmett', emmettEvents, { seconds: await projectEmmett(peerUrl) }, round)
      for (const length of lengths) {
        const states = new Map<string, string>()
        for (const way of Object.keys(ways) as Way[]) {
          await emptyViews(url)
          note(cell(way, length), length, await ways[way](url, length), round)
          if (round === 1) states.set(await digestOf(url), way)
        }
        if (states.size > 1) throw new Error(`the views of ${length} events differ: ${[...states.values()].join(', ')}`)
      }
    }
    const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianOf(all)]))
    return { rounds, results, ratios: ratiosOf(results, lengths) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function cell(way: Way, length: number): string {
  return `${way}, ${length} events`
}

async function inProcess(how: string, url: string, events: number): Promise<Outcome> {
  const script = fileURLToPath(new URL('replay-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, how, url, String(events)])
  const { position, seconds, peakMegabytes } = JSON.parse(stdout) as Outcome & { readonly position: number }
  if (position !== events) throw new Error(`the ${how} ended at ${position}, not at ${events}`)
  return { seconds, ...(peakMegabytes === undefined ? {} : { peakMegabytes }) }
}

function byPlainSql(url: string, events: number): Promise<Outcome> {
  return withClient(url, async client => {
    const begun = performance.now()
    await client.query('begin')
    await insertSelect(client, events)
    await client.query('commit')
    return { seconds: (performance.now() - begun) / 1000 }
  })
}

/** Empties them so that nothing is left of what they held, and has the server settle, so that no way pays for the one before. */
function emptyViews(url: string): Promise<void> {
  return withClient(url, async client => {
    await dropPreviousViews(client)
    const { rows } = await client.query<{ tables: string }>(
      `select string_agg(format('views.%I', tablename), ', ') as tables from pg_tables where schemaname = 'views'`,
    )
    await client.query(`truncate ${rows[0]?.tables}`)
    await client.query('checkpoint')
  })
}

async function digestOf(url: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  try {
    const { position, digest } = await stateDigest(pool)
    return `${position} ${digest}`
  } finally {
    await pool.end()
  }
}

async function makeDatabase(urlOf: (database: string) => string, name: string): Promise<string> {
  await withClient(urlOf('postgres'), client => client.query(`create database ${name} template template0 encoding 'UTF8'`))
  await withClient(urlOf(name), client => migrate(client, [logMigrations, viewMigrations]))
  return urlOf(name)
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function medianOf(rounds: readonly RateMeasurement[]): RateMeasurement {
  const peaks = rounds.flatMap(({ peakMegabytes }) => peakMegabytes ?? [])
  return {
    eventsPerSecond: Math.round(median(rounds.map(({ eventsPerSecond }) => eventsPerSecond))),
    ...(peaks.length === 0 ? {} : { peakMegabytes: Math.round(Math.max(...peaks)) }),
  }
}

function ratiosOf(results: Readonly<Record<string, RateMeasurement>>, lengths: readonly number[]): Record<string, number> {
  const rate = (name: string) => results[name]?.eventsPerSecond ?? Number.NaN
  const ratios: Record<string, number> = {}
  const shortest = Math.min(...lengths)
  for (const length of lengths) {
    for (const way of ['replay', 'rebuild'] as const) {
      const ours = rate(cell(way, length))
      ratios[`${way} to emmett, ${length} events`] = twoDigits(ours / rate('emmett'))
      ratios[`${way} to INSERT … SELECT, ${length} events`] = twoDigits(ours / rate(cell('INSERT … SELECT', length)))
      if (length !== shortest) ratios[`${way}, ${length} to ${shortest} events`] = twoDigits(ours / rate(cell(way, shortest)))
    }
  }
  return ratios
}
