import { blake3, canonicalJson, type JsonObject } from '@artifact-store/core'
import { maxFetch, openPostgresLog, postgresLogReader, postgresRecordReader } from '@artifact-store/log'
import { createTestDatabase } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { subject, testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()

async function appendAll(...events: ReturnType<typeof testEvent>[]): Promise<void> {
  for (const event of events) await test.log.append(testAppend(event))
}

const sequences = (events: readonly { sequence: number }[]) => events.map(event => event.sequence)

describe('fetchSince', () => {
  it('returns the ordered rest', async () => {
    await appendAll(...['a', 'b', 'c', 'd', 'e'].map(id => testEvent({ id })))
    const rest = await test.log.fetchSince(2, 100)
    expect(rest.map(e => [e.sequence, e.subjectId])).toEqual([
      [3, 'c'],
      [4, 'd'],
      [5, 'e'],
    ])
  })

  it('returns no more than it is asked for, and nothing at the end', async () => {
    await appendAll(testEvent(), testEvent(), testEvent())
    expect(sequences(await test.log.fetchSince(0, 2))).toEqual([1, 2])
    expect(sequences(await test.log.fetchSince(2, 2))).toEqual([3])
    expect(await test.log.fetchSince(3, 2)).toEqual([])
    expect(await test.log.fetchSince(Number.MAX_SAFE_INTEGER, maxFetch)).toEqual([])
  })

  it('reads the same for who does not look into payloads, without what they say', async () => {
    await appendAll(testEvent({ payload: { n: 1, text: 'ä' } }), testEvent({ payload: {} }), testEvent({ id: 'other' }))
    const whole = await test.log.fetchSince(0, 10)
    const records = await postgresRecordReader(test.pool).fetchSince(0, 10)
    expect(records).toEqual(whole.map(({ payload, ...record }) => record))
    expect(records.map(({ payloadJson }) => JSON.parse(payloadJson))).toEqual(whole.map(({ payload }) => payload))
  })

  it.each([
    [0, 0],
    [0, maxFetch + 1],
    [0, 1.5],
    [-1, 10],
    [1.5, 10],
    [Number.NaN, 10],
  ])('refuses to read after %d at most %d', async (after, limit) => {
    await expect(test.log.fetchSince(after, limit)).rejects.toMatchObject({ kind: 'invalid-request' })
  })

  it('gives numbers as numbers far beyond 32 bits', async () => {
    const far = Number.MAX_SAFE_INTEGER - 5
    await using database = await createTestDatabase()
    await database.pool.query(`
      create table log.events_9007199254740000 (like log.events including all);
      select log.furnish_partition('events_9007199254740000');
      alter table log.events attach partition log.events_9007199254740000 for values from (9007199254740000) to (9223372036854775807);
      update log.partitions set carried_to = last_sequence;
      insert into log.partitions values (9007199254740000, 9223372036854775806, 9007199254739999)`)
    await database.pool.query(
      `insert into log.events values ($1, $1, now(), 'v1.test.happened', 'package', 'far', 'x', '{}', decode(repeat('00', 32), 'hex'))`,
      [far],
    )
    const log = openPostgresLog(database.poolFor('log_writer'))
    expect(await log.fetchSince(far - 1, 10)).toMatchObject([{ sequence: far, subjectRevision: far }])
    expect(await log.head()).toBe(far)
    const append = testAppend(testEvent({ id: 'far' }))
    expect(await log.append(append)).toMatchObject({ outcome: 'appended', firstSequence: far + 1, lastSequence: far + 1 })
    expect(await log.append(append)).toMatchObject({ outcome: 'repeated', firstSequence: far + 1, lastSequence: far + 1 })
  })
})

describe('a stored payload', () => {
  const payloads: [string, JsonObject][] = [
    ['nothing', {}],
    [
      'text of every kind',
      { text: 'Grüße, 你好, مرحبا, 👩‍🚀, \u007f \u2028 \ufeff \uffff "\\/\b\f\n\r\t\u001f', 'ключ 🗝': null },
    ],
    ['text that looks like an escape', { text: '\\u0000 and \\\\u0000' }],
    ['numbers', { numbers: [0, -1.5e-7, 1e21, 5e-324, 1.7976931348623157e308, Number.MAX_SAFE_INTEGER] }],
    ['depth', { a: { b: [{ c: [[[]]] }] } }],
    [
      'megabytes',
      { lines: Array.from({ length: 50_000 }, (_, i) => `line ${i} of a log that somebody thought was metadata, ✓`) },
    ],
  ]

  it.each(payloads)('comes back as it was: %s', async (_, payload) => {
    const event = testEvent({ payload })
    await test.log.append(testAppend(event))
    const [stored] = await test.log.fetchSince(0, 1)
    expect(stored?.payload).toEqual(payload)
    expect(stored?.payloadJson).toBe(canonicalJson(payload))
    expect(Buffer.compare(stored?.payloadDigest ?? Buffer.alloc(0), blake3(canonicalJson(payload)))).toBe(0)
  })

  it('has the BLAKE3 of its stored bytes as its digest in the database', async () => {
    await appendAll(...payloads.map(([, payload]) => testEvent({ payload })))
    const { rows } = await test.database.pool.query<{ payload: Buffer; payload_digest: Buffer }>(
      'select payload, payload_digest from log.events',
    )
    expect(rows).toHaveLength(payloads.length)
    for (const { payload, payload_digest } of rows) expect(Buffer.compare(blake3(payload), payload_digest)).toBe(0)
  })

  it('is readable as JSON to a person with psql', async () => {
    await appendAll(testEvent({ payload: { name: 'ci/nightly', labels: { branch: 'main' } } }))
    const { rows } = await test.database.pool.query(
      "select sequence, payload->'labels'->>'branch' as branch from log.readable_events",
    )
    expect(rows).toEqual([{ sequence: '1', branch: 'main' }])
  })
})

describe('an event of a type that nobody knows', () => {
  it('is stored and read like any other', async () => {
    const event = testEvent({ type: 'v9.unicorn.groomed', kind: 'unicorn', payload: { sparkle: true } })
    await test.log.append(testAppend(event))
    expect(await test.log.fetchSince(0, 1)).toMatchObject([
      { eventType: 'v9.unicorn.groomed', subjectKind: 'unicorn', payload: { sparkle: true } },
    ])
  })
})

describe('a filtered reader', () => {
  const kinds = ['v1.package.created', 'v1.package.touched', 'v1.blob.stored']

  async function fill(): Promise<void> {
    await appendAll(
      ...Array.from({ length: 30 }, (_, i) =>
        testEvent({ id: `p${i % 4}`, kind: i % 5 === 0 ? 'blob' : 'package', type: kinds[i % 3] ?? '' }),
      ),
    )
  }

  it.each([
    ['a type', { types: ['v1.blob.stored'] }],
    ['types', { types: ['v1.blob.stored', 'v1.package.created', 'v1.blob.stored', 'v1.never.happened'] }],
    ['no type at all', { types: [] }],
    ['a subject', { subject: subject('p2') }],
    ['a subject and types', { subject: subject('p2'), types: ['v1.blob.stored', 'v1.package.touched'] }],
    ['a subject that is not there', { subject: subject('p9') }],
  ])('reads, by %s, what reading everything and choosing would', async (_, filter) => {
    await fill()
    const all = await test.log.fetchSince(0, 100)
    const { types, subject: about } = { types: undefined, subject: undefined, ...filter }
    const chosen = all.filter(
      e =>
        (types?.includes(e.eventType) ?? true) &&
        (about === undefined || (e.subjectKind === about.kind && e.subjectId === about.id)),
    )
    const reader = postgresLogReader(test.pool, filter)
    for (const after of [0, 1, 2, 3, 7, 11, 29, 30]) {
      for (const limit of [1, 2, 5, 100]) {
        expect(await reader.fetchSince(after, limit)).toEqual(chosen.filter(e => e.sequence > after).slice(0, limit))
      }
    }
    expect(await reader.head()).toBe(30)
  })
})
