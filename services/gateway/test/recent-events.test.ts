import { makeEvent, newPackageId } from '@artifact-store/core'
import { createBell, type LogReader, openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { createLogger } from '@artifact-store/service'
import { createTestDatabase, emptyLog, type TestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { followSelected } from '../src/events/follow-selected.ts'
import { recentEvents } from '../src/events/recent-events.ts'
import { selectLog } from '../src/events/selected-log.ts'
import { typesInLog } from '../src/events/types-in-log.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => emptyLog(database.pool))
afterAll(() => database[Symbol.asyncDispose]())

const logger = createLogger({ name: 'test', level: 'silent' })

async function append(count: number): Promise<void> {
  const log = openPostgresLog(database.poolFor('log_writer'))
  const event = () => makeEvent({ type: 'v1.package.discarded', subjectId: newPackageId(), actor: 'x', payload: {} })
  for (let i = 0; i < count; i++) await log.append({ key: crypto.randomUUID(), conditions: [], events: [event()] })
}

/** The log as a gateway reads it, with a count of the reads; `fail` makes them fail as a lost connection does. */
function watchedLog() {
  const log = postgresLogReader(database.poolFor('gateway'))
  const seen: { reads: number; fail: boolean } = { reads: 0, fail: false }
  const reader: LogReader = {
    head: () => log.head(),
    async fetchSince(after, limit) {
      seen.reads += 1
      if (seen.fail) throw new Error('the connection broke')
      return log.fetchSince(after, limit)
    },
  }
  return { reader, seen }
}

describe('what was appended last', () => {
  it('is read once for all who wait for it', async () => {
    const { reader, seen } = watchedLog()
    const bell = createBell()
    const recent = recentEvents({ log: reader, bell, logger })
    using first = await recent.join()
    const others = await Promise.all(Array.from({ length: 20 }, () => recent.join()))
    const readsBefore = seen.reads
    await append(1)
    bell.ring()
    for (const one of [first, ...others]) {
      await expect.poll(() => one.since(0)).toHaveLength(1)
      one[Symbol.dispose]()
    }
    // One for the event, and at most one look that found nothing yet, or nothing more, on either side of it.
    expect(seen.reads - readsBefore).toBeLessThanOrEqual(3)
  })

  it('keeps only so much, and says when the log must be asked', async () => {
    const { reader } = watchedLog()
    const bell = createBell()
    const recent = recentEvents({ log: reader, bell, logger, maxEvents: 5 })
    using view = await recent.join()
    for (let sequence = 1; sequence <= 12; sequence++) {
      await append(1)
      bell.ring()
      await expect.poll(() => view.since(sequence - 1)).toHaveLength(1)
    }
    expect(view.since(7)?.map(event => event.sequence)).toEqual([8, 9, 10, 11, 12])
    expect(view.since(6)).toBeUndefined()
    expect(view.since(12)).toEqual([])
  })

  it('goes on where it was when the log could not be read for a while', async () => {
    const { reader, seen } = watchedLog()
    const bell = createBell()
    const recent = recentEvents({ log: reader, bell, logger })
    using view = await recent.join()
    seen.fail = true
    await append(3)
    const failedBefore = seen.reads
    bell.ring()
    await expect.poll(() => seen.reads).toBeGreaterThan(failedBefore)
    seen.fail = false
    await expect.poll(() => view.since(0)?.map(event => event.sequence), { timeout: 5000 }).toEqual([1, 2, 3])
  })

  it('is not read while nobody waits, and begins anew with the next who does', async () => {
    const { reader, seen } = watchedLog()
    const bell = createBell()
    const recent = recentEvents({ log: reader, bell, logger })
    const first = await recent.join()
    first[Symbol.dispose]()
    await append(2)
    const reads = seen.reads
    bell.ring()
    using second = await recent.join()
    expect(seen.reads - reads).toBeLessThanOrEqual(1)
    expect(second.since(1)).toBeUndefined()
    expect(second.since(2)).toEqual([])
  })
})

it('whoever is slower than the log grows gets all of it all the same, each event once', async () => {
  const pool = database.poolFor('gateway')
  const log = postgresLogReader(pool)
  const bell = createBell()
  const stop = new AbortController()
  const pages = followSelected({
    select: selectLog({ read: filter => postgresLogReader(pool, filter), types: typesInLog(pool, log) }),
    recent: recentEvents({ log, bell, logger, maxEvents: 3 }),
    selection: {},
    after: 0,
    signal: stop.signal,
  })
  expect((await pages.next()).value).toEqual({ events: [], position: 0, atEnd: true })
  const found: number[] = []
  for (const burst of [1, 10, 2, 30]) {
    await append(burst)
    bell.ring()
    const { value } = await pages.next()
    found.push(...(value?.events.map(event => event.sequence) ?? []))
  }
  while (found.length < 43) found.push(...((await pages.next()).value?.events.map(event => event.sequence) ?? []))
  expect(found).toEqual(Array.from({ length: 43 }, (_, i) => i + 1))
  const last = pages.next()
  stop.abort()
  expect(await last).toEqual({ done: true, value: undefined })
})
