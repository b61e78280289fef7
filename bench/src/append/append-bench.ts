import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@artifact-store/embedded'
import pg from 'pg'
import type { Bench, Measurement } from '../harness/bench.ts'
import { measureCallers } from '../harness/callers.ts'
import { medianMeasurement, twoDigits } from '../harness/median.ts'
import { openBareInsert } from './bare-insert.ts'
import type { Contender } from './contender.ts'
import { openEmmett } from './emmett.ts'
import { openOurLog } from './our-log.ts'

interface Cell {
  readonly name: string
  readonly callers: number
  readonly events: number
  readonly open: (url: string) => Promise<Contender>
}

const emmett = (callers: number, events: number): Cell => ({
  name: `emmett, ${callers} callers, ${events} events`,
  callers,
  events,
  open: url => openEmmett(url, callers),
})
const library = (callers: number, events: number): Cell => ({
  name: `library, ${callers} callers, ${events} events`,
  callers,
  events,
  open: openOurLog,
})
const bareInsert: Cell = { name: 'bare insert of 1000 rows', callers: 1, events: 1000, open: openBareInsert }

const cells: readonly Cell[] = [
  ...[1, 16, 64].flatMap(callers => [1, 100].flatMap(events => [emmett(callers, events), library(callers, events)])),
  library(512, 1),
  library(512, 100),
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
    const measured = new Map<string, Measurement[]>(cells.map(cell => [cell.name, []]))
    for (let round = 1; round <= rounds; round += 1) {
      for (const cell of cells) {
        const measurement = await measureCell(cell, seconds, database => postgres.url(database))
        measured.get(cell.name)?.push(measurement)
        say(
          `round ${round}: ${cell.name}: ${Math.round(measurement.eventsPerSecond)} events/s, p99 ${twoDigits(measurement.p99Ms)} ms`,
        )
      }
    }
    const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianMeasurement(all)]))
    return { rounds, results, ratios: ratiosOf(results) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function measureCell(cell: Cell, seconds: number, urlOf: (database: string) => string): Promise<Measurement> {
  const admin = new pg.Client({ connectionString: urlOf('postgres') })
  await admin.connect()
  const database = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${database} template template0 encoding 'UTF8'`)
  try {
    await using contender = await cell.open(urlOf(database))
    await contender.append(cell.events)
    return await measureCallers(cell.callers, seconds, async () => {
      await contender.append(cell.events)
      return cell.events
    })
  } finally {
    await admin.query(`drop database ${database}`)
    await admin.end()
  }
}

function ratiosOf(results: Readonly<Record<string, Measurement>>): Record<string, number> {
  const rate = (cell: Cell) => results[cell.name]?.eventsPerSecond ?? Number.NaN
  const ratios: Record<string, number> = {}
  for (const callers of [1, 16, 64]) {
    for (const events of [1, 100]) {
      ratios[`library to emmett, ${callers} callers, ${events} events`] = twoDigits(
        rate(library(callers, events)) / rate(emmett(callers, events)),
      )
    }
  }
  ratios['library at 512 callers to bare insert'] = twoDigits(rate(library(512, 1)) / rate(bareInsert))
  return ratios
}
