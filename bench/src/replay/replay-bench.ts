import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@artifact-store/embedded'
import type { Bench, RateMeasurement } from '../harness/bench.ts'
import { besideLongTransaction } from '../harness/beside-long-transaction.ts'
import { median, twoDigits } from '../harness/median.ts'
import { emptyViews, inFreshDatabase, makeDatabase, stateOf } from './databases.ts'
import { fillEmmett, projectEmmett } from './emmett-projection.ts'
import { fillLog } from './fill-log.ts'
import { type Outcome, type Way, ways, waysNamed } from './ways.ts'

/** What a replay of a large log needs of the server: that the indexes which it writes at random fit into memory, and few checkpoints. */
const settings = { shared_buffers: '4GB', max_wal_size: '32GB', checkpoint_timeout: '60min', maintenance_work_mem: '512MB' }

const emmettEvents = 10_000
const emmettName = 'emmett'
const emmettBeside = 'emmett, appended to beside a long transaction'

/**
 * One log of a registry at work; its beginnings, of each of the lengths asked for, are made into views in every way, interleaved, and the views
 * are compared. The peer projects a log of its own on the same server, and one that is written while a transaction is held open.
 */
export const replayBench: Bench = async ({ rounds, events: lengths = [100_000, 1_000_000], ways: wanted, keep, say }) => {
  const chosen = waysNamed(wanted)
  if (chosen.length === 0) throw new Error(`which ways? Any of: ${Object.keys(ways).join(', ')}`)
  await using stack = new AsyncDisposableStack()
  const directory = keep ?? (await mkdtemp(join(tmpdir(), 'artifact-store-bench-')))
  if (keep === undefined) stack.defer(() => rm(directory, { recursive: true, force: true }))
  const password = 'the password of this measurement'
  const postgres = stack.use(await startPostgres({ directory: join(directory, 'postgres'), password, settings }))
  const url = await makeDatabase(name => postgres.url(name), 'ours')
  await fillLog(url, Math.max(...lengths), say)

  const measured = new Map<string, RateMeasurement[]>()
  const note = (round: number, name: string, { seconds, ...rest }: Outcome, events: number) => {
    const rate = events / seconds
    measured.set(name, [...(measured.get(name) ?? []), { eventsPerSecond: rate, ...rest }])
    say(
      `round ${round}: ${name}: ${Math.round(rate)} events/s${rest.peakMegabytes ? `, at most ${Math.round(rest.peakMegabytes)} MB` : ''}`,
    )
  }
  const measureEmmett = (events: number) =>
    inFreshDatabase(
      name => postgres.url(name),
      async peerUrl => {
        await fillEmmett(peerUrl, events)
        return projectEmmett(peerUrl)
      },
    )
  for (let round = 1; round <= rounds; round += 1) {
    const peer = await measureEmmett(emmettEvents)
    if (peer.events !== emmettEvents) throw new Error(`the peer has projected ${peer.events} of ${emmettEvents} events`)
    note(round, emmettName, peer, peer.events)
    const stalled = await besideLongTransaction(url, () => measureEmmett(emmettEvents / 10))
    note(round, emmettBeside, stalled, stalled.events)
    for (const length of lengths) {
      const states = new Map<string, string>()
      for (const way of chosen) {
        await emptyViews(url)
        note(round, cell(way, length), await ways[way](url, length), length)
        if (round === 1 && chosen.length > 1) states.set(await stateOf(url), way)
      }
      if (states.size > 1) throw new Error(`the views of ${length} events differ: ${[...states.values()].join(', ')}`)
    }
  }
  const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianOf(all)]))
  return { rounds, results, ratios: ratiosOf(results, lengths) }
}

function cell(way: Way, length: number): string {
  return `${way}, ${length} events`
}

function medianOf(rounds: readonly RateMeasurement[]): RateMeasurement {
  const peaks = rounds.flatMap(({ peakMegabytes }) => peakMegabytes ?? [])
  return {
    eventsPerSecond: Math.round(median(rounds.map(({ eventsPerSecond }) => eventsPerSecond))),
    ...(peaks.length === 0 ? {} : { peakMegabytes: Math.round(Math.max(...peaks)) }),
  }
}

/** Of those cells that were measured. */
function ratiosOf(results: Readonly<Record<string, RateMeasurement>>, lengths: readonly number[]): Record<string, number> {
  const ratios: Record<string, number> = {}
  const compare = (name: string, ours: string, other: string) => {
    const [a, b] = [results[ours]?.eventsPerSecond, results[other]?.eventsPerSecond]
    if (a !== undefined && b !== undefined && ours !== other) ratios[name] = twoDigits(a / b)
  }
  const shortest = Math.min(...lengths)
  for (const length of lengths) {
    for (const way of ['replay', 'replay beside a long transaction', 'rebuild'] as const) {
      const ours = cell(way, length)
      compare(`${way} to emmett, ${length} events`, ours, emmettName)
      compare(`${way} to INSERT … SELECT, ${length} events`, ours, cell('INSERT … SELECT', length))
      compare(`${way}, ${length} to ${shortest} events`, ours, cell(way, shortest))
    }
  }
  return ratios
}
