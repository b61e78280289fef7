import {
  blake3,
  type EventSelection,
  eventSelector,
  type NewEvent,
  parseEventSelection,
  type StoredEvent,
} from '@artifact-store/core'
import { openPostgresLog, postgresLogReader } from '@artifact-store/log'
import { createTestDatabase, randomHistory, type TestDatabase } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SelectLog, selectLog } from '../src/events/selected-log.ts'
import { typesInLog } from '../src/events/types-in-log.ts'

let database: TestDatabase
let select: SelectLog
let all: readonly StoredEvent[]

beforeAll(async () => {
  database = await createTestDatabase()
  const history = randomHistory({ seed: 7, length: 1200 })
  for (let i = 0; i < history.length; i += 300) await append(...history.slice(i, i + 300))
  const pool = database.poolFor('gateway')
  const log = postgresLogReader(pool)
  select = selectLog({ read: filter => postgresLogReader(pool, filter), types: typesInLog(pool, log) })
  all = await log.fetchSince(0, 10_000)
})
afterAll(() => database[Symbol.asyncDispose]())

async function append(...events: NewEvent[]): Promise<void> {
  const [first, ...others] = events
  if (!first) return
  const log = openPostgresLog(database.poolFor('log_writer'))
  const { outcome } = await log.append({ key: crypto.randomUUID(), conditions: [], events: [first, ...others] })
  expect(outcome).toBe('appended')
}

function unknown(eventType: string, payload = '{}', subjectKind = 'comet'): NewEvent {
  return { eventType, subjectKind, subjectId: 'c', actor: 'x', payloadJson: payload, payloadDigest: blake3(payload) }
}

const plenty = 1024 * 1024

/** Reads page by page to the end, as a client would. */
async function walk(selection: EventSelection, limit: number, bytes = plenty): Promise<StoredEvent[]> {
  const log = select(selection)
  const found: StoredEvent[] = []
  for (let position = 0; ; ) {
    const page = await log.page(position, limit, bytes)
    expect(page.events.length).toBeLessThanOrEqual(limit)
    for (const { sequence } of page.events) expect(sequence).toBeGreaterThan(found.at(-1)?.sequence ?? 0)
    found.push(...page.events)
    expect(page.position).toBeGreaterThanOrEqual(found.at(-1)?.sequence ?? 0)
    if (page.atEnd) return found
    expect(page.position).toBeGreaterThan(position)
    position = page.position
  }
}

function sequences(events: readonly StoredEvent[]): number[] {
  return events.map(({ sequence }) => sequence)
}

describe('the log, narrowed to what is asked for', () => {
  it.each([
    {},
    { types: ['v1.package.finalized'] },
    { types: ['v1.package.finalized', 'v1.blob.stored', 'v1.token.issued'] },
    { types: ['v1.package.*'] },
    { types: ['v1.*'] },
    { types: ['v2.*'] },
    { types: ['v1.hold.*', 'v1.package.created'] },
    { types: ['v7.nothing.*'] },
    { types: ['v1.nothing.happened'] },
    { subject: 'package' },
    { subject: 'blob' },
    { subject: 'nothing' },
    { types: ['v1.*'], subject: 'package' },
    { types: ['v1.blob.stored', 'v1.package.created'], subject: 'blob' },
  ])('gives exactly that, whatever the pages: %j', async asked => {
    const selection = parseEventSelection(asked)
    const expected = sequences(all.filter(eventSelector(selection)))
    for (const limit of [1000, 17]) expect(sequences(await walk(selection, limit))).toEqual(expected)
  })

  it('gives what is about one subject, of any kind of name', async () => {
    const subjects = new Map(all.map(({ subjectKind: kind, subjectId: id }) => [`${kind}/${id}`, { kind, id }]))
    for (const subject of [...subjects.values()].slice(0, 40)) {
      const selection = { subject }
      expect(sequences(await walk(selection, 3))).toEqual(sequences(all.filter(eventSelector(selection))))
    }
    const [{ subjectId: id } = { subjectId: '' }] = all.filter(event => event.eventType === 'v1.package.files-added')
    const selection = { types: ['v1.package.*'], subject: { kind: 'package', id } }
    expect(sequences(await walk(selection, 2))).toEqual(sequences(all.filter(eventSelector(selection))))
  })

  it('knows a type that is new to the log from its first event on', async () => {
    const family = { types: ['v3.comet.*'] }
    expect(await walk(family, 10)).toEqual([])
    await append(unknown('v3.comet.sighted'))
    expect((await walk(family, 10)).map(event => event.eventType)).toEqual(['v3.comet.sighted'])
    await append(unknown('v3.comet.lost'), unknown('v3.comet.sighted'))
    const both = await walk({ subject: { kind: 'comet' } }, 1)
    expect(both.map(event => event.eventType)).toEqual(['v3.comet.sighted', 'v3.comet.lost', 'v3.comet.sighted'])
  })

  it('finds the types by a walk over their index as it does by looking at each event', async () => {
    const pool = database.poolFor('gateway')
    const log = postgresLogReader(pool)
    const looked = await typesInLog(pool, log).look()
    expect(await typesInLog(pool, log, 0).look()).toEqual(looked)
    for (const { eventType } of all) expect(looked.types).toContain(eventType)
    expect(looked.types).toContain('v3.comet.lost')
  })

  it('ends a page with its bytes as well, and goes on behind it', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(200_000) })
    await append(...Array.from({ length: 12 }, () => unknown('v4.comet.weighed', large)))
    const page = await select({ types: ['v4.comet.weighed'] }).page(0, 1000, 500_000)
    expect(page.events.length).toBeLessThan(12)
    expect(page.atEnd).toBe(false)
    expect(await walk({ types: ['v4.comet.weighed'] }, 1000, 500_000)).toHaveLength(12)
  })

  it('refuses a position that the log has not reached, naming both', async () => {
    const head = await postgresLogReader(database.pool).head()
    const expected = { kind: 'invalid-request', details: { after: head + 1, head } }
    await expect(select({}).page(head + 1, 1, plenty)).rejects.toMatchObject(expected)
    await expect(select({ types: ['v1.*'] }).page(head + 1, 1, plenty)).rejects.toMatchObject(expected)
    expect(await select({}).page(head, 1, plenty)).toEqual({ events: [], position: head, atEnd: true })
  })
})
