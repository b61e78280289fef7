import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@artifact-store/embedded'
import pg from 'pg'
import type { Bench, Measurement } from '../harness/bench.ts'
import { besideLongTransaction } from '../harness/beside-long-transaction.ts'
import { measureCallers } from '../harness/callers.ts'
import { medianMeasurement, twoDigits } from '../harness/median.ts'
import { openBareInsert } from './bare-insert.ts'
import type { Contender } from './contender.ts'
import { openEmmett } from './emmett.ts'
import { openOurLog } from './our-log.ts'
import { openOverHttp, openOverHttpUnbatched } from './over-http.ts'
import { hasPgbench, measurePgbench } from './pgbench.ts'

interface Cell {
  readonly name: string
  measure(url: string, seconds: number): Promise<Measurement>
}

const callerCounts = [1, 16, 64, 512] as const
const eventCounts = [1, 100] as const
/** PostgreSQL's default is a hundred connections, and the peer gives a caller one each. */
const mostConnections = 90

function cell(
  what: string,
  callers: number,
  events: number,
  open: (url: string) => Promise<Contender>,
  around: <T>(url: string, measure: () => Promise<T>) => Promise<T> = (_, measure) => measure(),
): Cell {
  return {
    name: nameOf(what, callers, events),
    async measure(url, seconds) {
      await using contender = await open(url)
      const once = async () => {
        await contender.append(events)
        return events
      }
      // Awaited here: the contender is closed when this function is left.
      return await around(url, async () => {
        // Plans are made, code is compiled and connections are opened before the measurement.
        await measureCallers(callers, Math.min(1, seconds / 3), once)
        return measureCallers(callers, seconds, once)
      })
    },
  }
}

const beside = (what: string) => `${what} beside a long transaction`

function nameOf(what: string, callers: number, events: number): string {
  return `${what}, ${callers} callers, ${events} events`
}

const bareInsert = cell('bare insert', 1, 1000, openBareInsert)
/** What a lone caller, and what so many callers in one batch, could have at most on this machine. */
const bareInsertsOfFew = [1, 16, 64].map(rows => cell('bare insert', 1, rows, openBareInsert))

const cells: readonly Cell[] = [
  ...callerCounts.flatMap(callers =>
    eventCounts.flatMap(events => [
      cell('emmett', callers, events, url => openEmmett(url, Math.min(callers, mostConnections))),
      cell('library', callers, events, openOurLog),
      cell('http', callers, events, openOverHttp),
    ]),
  ),
  ...callerCounts.map(callers => cell(beside('library'), callers, 1, openOurLog, besideLongTransaction)),
  cell(beside('http'), 64, 1, openOverHttp, besideLongTransaction),
  ...eventCounts.map(events => cell('http, a request each', 64, events, url => openOverHttpUnbatched(url, 64))),
  ...bareInsertsOfFew,
  bareInsert,
]

/** Each measurement begins in a database of its own, on one server with its usual durability; rounds are interleaved. */
export const appendBench: Bench = async ({ rounds, seconds, say }) => {
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-bench-'))
  try {
    await using postgres = await startPostgres({
      directory: join(directory, 'postgres'),
      password: randomBytes(12).toString('hex'),
    })
    const all = [...cells, ...(await pgbenchCells(say))]
    const measured = new Map<string, Measurement[]>(all.map(({ name }) => [name, []]))
    for (let round = 1; round <= rounds; round += 1) {
      for (const { name, measure } of all) {
        const measurement = await inFreshDatabase(
          database => postgres.url(database),
          url => measure(url, seconds),
        )
        measured.get(name)?.push(measurement)
        say(
          `round ${round}: ${name}: ${Math.round(measurement.eventsPerSecond)} events/s, ` +
            `p50 ${twoDigits(measurement.p50Ms)} ms, p99 ${twoDigits(measurement.p99Ms)} ms`,
        )
      }
    }
    const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianMeasurement(all)]))
    return { rounds, results, ratios: ratiosOf(results) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function pgbenchCells(say: (line: string) => void): Promise<Cell[]> {
  if (!(await hasPgbench())) {
    say('pgbench is not on PATH (it comes with the packages of a PostgreSQL server): its measurements are left out')
    return []
  }
  return [1, 16, 64].map(clients => ({
    name: nameOf('pgbench', clients, 1),
    measure: (url, seconds) => measurePgbench(url, clients, seconds),
  }))
}

async function inFreshDatabase<T>(urlOf: (database: string) => string, work: (url: string) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: urlOf('postgres') })
  await admin.connect()
  const database = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${database} template template0 encoding 'UTF8'`)
  try {
    return await work(urlOf(database))
  } finally {
    await admin.query(`drop database ${database}`)
    await admin.end()
  }
}

function ratiosOf(results: Readonly<Record<string, Measurement>>): Record<string, number> {
  const of = (name: string) => results[name] ?? { eventsPerSecond: Number.NaN, p50Ms: Number.NaN, p99Ms: Number.NaN }
  const ratios: Record<string, number> = {}
  const compare = (what: string, against: string) => {
    ratios[`${what} / ${against}`] = twoDigits(of(what).eventsPerSecond / of(against).eventsPerSecond)
  }
  for (const callers of callerCounts) {
    for (const events of eventCounts) {
      for (const what of ['library', 'http']) compare(nameOf(what, callers, events), nameOf('emmett', callers, events))
    }
  }
  for (const callers of callerCounts) {
    compare(nameOf(beside('library'), callers, 1), nameOf('library', callers, 1))
    compare(nameOf(beside('library'), callers, 1), nameOf('emmett', callers, 1))
  }
  compare(nameOf(beside('http'), 64, 1), nameOf('http', 64, 1))
  const emmett64 = nameOf('emmett', 64, 1)
  for (const what of ['http', 'http, a request each']) {
    compare(nameOf(what, 64, 1), emmett64)
    compare(nameOf(what, 64, 100), emmett64)
  }
  for (const events of eventCounts) compare(nameOf('library', 512, events), bareInsert.name)
  for (const callers of [1, 16, 64]) {
    const bare = nameOf('bare insert', 1, callers)
    compare(bare, nameOf('emmett', callers, 1))
    compare(nameOf('library', callers, 1), bare)
  }
  for (const clients of [1, 16, 64])
    if (results[nameOf('pgbench', clients, 1)]) compare(nameOf('library', clients, 1), nameOf('pgbench', clients, 1))
  ratios['p99 of the library at 64 callers / p50 of emmett'] = twoDigits(of(nameOf('library', 64, 1)).p99Ms / of(emmett64).p50Ms)
  return ratios
}
