import { setTimeout as delay } from 'node:timers/promises'
import { type Bell, type LogReader, tail } from '@artifact-store/log'
import type { Pool, PoolClient } from 'pg'
import { inTransaction } from './test-log.ts'

/** What the scenario needs of a log. A marker names an event; it is the subject's id. */
export interface LogUnderFire extends LogReader {
  /** Appends in a transaction of its own. */
  append(marker: string): Promise<void>
  /** Appends in the caller's transaction. */
  write(client: PoolClient, marker: string): Promise<void>
}

export interface Fire {
  readonly log: LogUnderFire
  /** At least one connection for each writer. */
  readonly pool: Pool
  readonly writers: number
  readonly appendsEach: number
  /** One reader for each: it waits for that bell, or polls where there is none. */
  readonly bells: readonly (Bell | undefined)[]
}

/** What one reader got wrong, by markers. */
interface ReaderReport {
  readonly missed: readonly string[]
  readonly repeated: readonly string[]
  readonly reordered: readonly string[]
}

export interface FireReport {
  readonly committed: number
  readonly readers: readonly ReaderReport[]
  /** Numbers from 1 to the last that no event has. */
  readonly holes: readonly number[]
  /** Events that nobody committed, and committed ones that are not there. */
  readonly lost: readonly string[]
  readonly invented: readonly string[]
}

/**
 * Sets readers on the log, which tail it from the start, then writers on connections of their own: a scripted opening, in which a slow
 * transaction is overtaken if that is possible and another one rolls back, and then all of them at once, each in its own manner.
 */
export async function setOnFire(fire: Fire): Promise<FireReport> {
  const readers = fire.bells.map(bell => startReader(fire.log, bell))
  const committed: string[] = []
  await overtake(fire, readers, committed)
  await rollBack(fire, 'rolled back in the opening')
  await Promise.all(Array.from({ length: fire.writers }, (_, writer) => writeALot(fire, writer, committed)))
  await fire.log.append(lastMarker)
  committed.push(lastMarker)
  const seen = await Promise.all(readers.map(reader => reader.finished))
  return report(fire.log, committed, seen)
}

const lastMarker = 'the last one'

interface Seen {
  readonly sequence: number
  readonly marker: string
}

interface Reader {
  /** The sequence of the last event that it has seen. */
  readonly position: () => number
  readonly finished: Promise<readonly Seen[]>
}

function startReader(log: LogUnderFire, bell: Bell | undefined): Reader {
  const seen: Seen[] = []
  const read = async () => {
    for await (const event of tail(log, { bell, pollMs: bell ? 1000 : 2, batchSize: 7 })) {
      seen.push({ sequence: event.sequence, marker: event.subjectId })
      if (event.subjectId === lastMarker) break
    }
    return seen
  }
  return { finished: read(), position: () => seen.at(-1)?.sequence ?? 0 }
}

// One transaction appends and stays open while a second one appends. Where the second can commit before the first, all readers are
// given the time to see it; the first then commits behind their backs.
async function overtake({ log, pool }: Fire, readers: readonly Reader[], committed: string[]): Promise<void> {
  const written = Promise.withResolvers<void>()
  const overtaker = Promise.withResolvers<number>()
  const first = inTransaction(pool, async client => {
    await log.write(client, 'slow')
    written.resolve()
    const processId = await overtaker.promise
    while (!committed.includes('fast') && !(await isBlocked(pool, processId))) await delay(1)
    if (!committed.includes('fast')) return
    const head = await log.head()
    while (readers.some(reader => reader.position() < head)) await delay(1)
  })
  await Promise.race([written.promise, first])
  await inTransaction(pool, async client => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    overtaker.resolve(rows[0]?.pid ?? 0)
    await log.write(client, 'fast')
  })
  committed.push('fast')
  await first
  committed.push('slow')
}

async function rollBack({ log, pool }: Fire, marker: string): Promise<void> {
  await inTransaction(pool, client => log.write(client, marker), { end: 'rollback' })
}

type Manner = (fire: Fire, marker: string, random: () => number) => Promise<boolean>

const manners: readonly Manner[] = [
  async ({ log }, marker) => {
    await log.append(marker)
    return true
  },
  async ({ log, pool }, marker, random) => {
    await inTransaction(pool, async client => {
      await log.write(client, marker)
      await delay(1 + random() * 4)
    })
    return true
  },
  async ({ log, pool }, marker, random) => {
    await inTransaction(pool, async client => {
      await client.query('select pg_sleep($1)', [random() * 0.02])
      await log.write(client, marker)
    })
    return true
  },
  async (fire, marker) => {
    await rollBack(fire, marker)
    return false
  },
]

async function writeALot(fire: Fire, writer: number, committed: string[]): Promise<void> {
  for (let i = 0; i < fire.appendsEach; i++) {
    const marker = `writer ${writer} append ${i}`
    const manner = manners[(writer + i) % manners.length]
    if (await manner?.(fire, marker, Math.random)) committed.push(marker)
  }
}

async function report(log: LogUnderFire, committed: readonly string[], seen: readonly (readonly Seen[])[]): Promise<FireReport> {
  const events: Seen[] = []
  for (;;) {
    const page = await log.fetchSince(events.at(-1)?.sequence ?? 0, 1000)
    if (page.length === 0) break
    events.push(...page.map(event => ({ sequence: event.sequence, marker: event.subjectId })))
  }
  const there = new Set(events.map(event => event.marker))
  const numbers = new Set(events.map(event => event.sequence))
  const expected = new Set(committed)
  return {
    committed: committed.length,
    readers: seen.map(events => reportReader(events, there)),
    holes: Array.from({ length: events.at(-1)?.sequence ?? 0 }, (_, i) => i + 1).filter(number => !numbers.has(number)),
    lost: committed.filter(marker => !there.has(marker)),
    invented: [...there].filter(marker => !expected.has(marker)),
  }
}

function reportReader(seen: readonly Seen[], there: ReadonlySet<string>): ReaderReport {
  const markers = seen.map(event => event.marker)
  const once = new Set(markers)
  return {
    missed: [...there].filter(marker => !once.has(marker)),
    repeated: markers.filter((marker, i) => markers.indexOf(marker) !== i),
    reordered: seen.filter((event, i) => event.sequence <= (seen[i - 1]?.sequence ?? 0)).map(event => event.marker),
  }
}

async function isBlocked(pool: Pool, pid: number): Promise<boolean> {
  const { rows } = await pool.query<{ blocked: boolean }>('select cardinality(pg_blocking_pids($1)) > 0 as blocked', [pid])
  return rows[0]?.blocked ?? false
}
