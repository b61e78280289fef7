import { makeEvent, newPackageId } from '@artifact-store/core'
import { type Append, openPostgresLog } from '@artifact-store/log'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { subject, testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()

describe('appending', () => {
  it('numbers events 1, 2, 3 and gives each the time of its append', async () => {
    const before = Date.now()
    const first = await test.log.append(testAppend(testEvent()))
    const second = await test.log.append(testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b' })]))
    expect(first).toMatchObject({ outcome: 'appended', firstSequence: 1, lastSequence: 1 })
    expect(second).toMatchObject({ outcome: 'appended', firstSequence: 2, lastSequence: 3 })
    const events = await test.log.fetchSince(0, 10)
    expect(events.map(e => e.sequence)).toEqual([1, 2, 3])
    for (const { createdAt } of events) {
      expect(createdAt.getTime()).toBeGreaterThanOrEqual(before)
      expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now())
    }
    expect('createdAt' in second && second.createdAt).toEqual(events[2]?.createdAt)
  })

  it('stores what makeEvent made', async () => {
    const event = makeEvent({
      type: 'v1.package.discarded',
      subjectId: newPackageId(),
      actor: 'ci',
      payload: { reason: 'made by mistake' },
    })
    await test.log.append(testAppend(event))
    expect(await test.log.fetchSince(0, 1)).toMatchObject([
      { ...event, payloadDigest: Buffer.from(event.payloadDigest), payload: { reason: 'made by mistake' } },
    ])
  })

  it('numbers the revisions of each subject without a hole', async () => {
    await test.log.append(testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b' }), testEvent({ id: 'a' })]))
    await test.log.append(testAppend([testEvent({ id: 'b' }), testEvent({ id: 'a', kind: 'alias' })]))
    const events = await test.log.fetchSince(0, 10)
    expect(events.map(e => `${e.subjectKind} ${e.subjectId} ${e.subjectRevision}`)).toEqual([
      'package a 1',
      'package b 1',
      'package a 2',
      'package b 2',
      'alias a 1',
    ])
  })

  it('never lets the time run backwards, even when the clock does', async () => {
    await test.database.pool.query(
      `insert into log.events values (1, 1, '2999-01-01T00:00:00.123Z', 'v1.test.happened', 'package', 'future', 'x', '{}', decode(repeat('00', 32), 'hex'))`,
    )
    const outcome = await test.log.append(testAppend(testEvent()))
    expect(outcome).toMatchObject({ firstSequence: 2, createdAt: new Date('2999-01-01T00:00:00.123Z') })
  })

  it('refuses one bad append of a batch and no other', async () => {
    const batches: { appends: number; lastSequence: number }[] = []
    const log = openPostgresLog(test.pool, {
      onBatch: ({ appends, lastSequence }) => void batches.push({ appends, lastSequence }),
    })
    const sent = Array.from({ length: 16 }, (_, i) =>
      log.append(testAppend(testEvent({ actor: i === 7 ? 'nul \u0000 byte' : `writer ${i}` }))),
    )
    const results = await Promise.allSettled(sent)
    expect(batches).toEqual([
      { appends: 8, lastSequence: 7 },
      { appends: 8, lastSequence: 15 },
    ])
    expect(results.flatMap((r, i) => (r.status === 'rejected' ? [i] : []))).toEqual([7])
    expect(results[7]).toMatchObject({ reason: { kind: 'invalid-request' } })
    const events = await test.log.fetchSince(0, 100)
    expect(events.map(e => e.sequence)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
    expect(events.map(e => e.actor)).toEqual(Array.from({ length: 16 }, (_, i) => `writer ${i}`).filter((_, i) => i !== 7))
  })

  it('refuses a payload whose digest is another one’s', async () => {
    const wrong = { ...testEvent({ payload: { a: 1 } }), payloadDigest: testEvent({ payload: { a: 2 } }).payloadDigest }
    await expect(test.log.append(testAppend(wrong))).rejects.toMatchObject({ kind: 'digest-mismatch' })
    expect(await test.log.head()).toBe(0)
  })

  it.each([
    ['a NUL character in a payload', testEvent({ payload: { text: 'a\u0000b' } }), /\\u0000 cannot be converted to text/],
    ['a NUL character in a subject', testEvent({ id: 'a\u0000b' }), /0x00/],
    ['half a surrogate pair', testEvent({ id: 'a\ud800b' }), /surrogate/],
    ['an endless subject id', testEvent({ id: Array.from({ length: 20_000 }, (_, i) => i.toString(36)).join('') }), /index row/],
  ])('refuses %s and says so', async (_, event, message) => {
    await expect(test.log.append(testAppend(event))).rejects.toMatchObject({
      kind: 'invalid-request',
      message: expect.stringMatching(message),
    })
    expect(await test.log.append(testAppend(testEvent()))).toMatchObject({ firstSequence: 1 })
  })

  it('refuses a key that is empty or longer than 200 characters', async () => {
    for (const key of ['', 'x'.repeat(201)]) {
      await expect(test.log.append(testAppend(testEvent(), { key }))).rejects.toMatchObject({ kind: 'invalid-request' })
    }
    expect(await test.log.append(testAppend(testEvent(), { key: '✓'.repeat(200) }))).toMatchObject({ outcome: 'appended' })
  })

  it('says that the log is unavailable when it is, and that nothing is known', async () => {
    const url = new URL(test.database.urlFor('log_writer'))
    url.password = 'wrong'
    const pool = new Pool({ connectionString: url.href })
    await expect(openPostgresLog(pool).append(testAppend(testEvent()))).rejects.toMatchObject({
      kind: 'log-unavailable',
      message: expect.stringContaining('unknown'),
    })
    await pool.end()
  })

  it('outlives a connection that is cut while batches are under way, and goes on with another', async () => {
    const pool = new Pool({ connectionString: test.database.urlFor('log_writer'), application_name: 'to be cut' })
    const log = openPostgresLog(pool)
    const holder = await test.database.pool.connect()
    await holder.query('begin; select pg_advisory_xact_lock(7021810146)')
    const cut = Promise.allSettled(Array.from({ length: 16 }, (_, i) => log.append(testAppend(testEvent({ id: `cut ${i}` })))))
    const cutting = `select pg_terminate_backend(pid) as done from pg_stat_activity where application_name = 'to be cut' and wait_event_type = 'Lock'`
    await expect.poll(async () => (await test.database.pool.query(cutting)).rowCount).toBe(1)
    await holder.query('rollback')
    holder.release()
    for (const append of await cut) expect(append).toMatchObject({ status: 'rejected', reason: { kind: 'log-unavailable' } })
    expect(await log.append(testAppend(testEvent()))).toMatchObject({ outcome: 'appended', firstSequence: 1 })
    await pool.end()
  })
})

describe('conditions', () => {
  const at = (revision: number, id = 'thing') => ({ subject: subject(id), revision })
  const unsealed = (id = 'thing') => ({ subject: subject(id), unsealed: true }) as const

  it('accept a subject only at the revision that they name; 0 is not there yet', async () => {
    const touch = (revision: number) => test.log.append(testAppend(testEvent(), { conditions: [at(revision)] }))
    expect(await touch(1)).toEqual({ outcome: 'conflict', reason: 'revision', subject: subject(), currentRevision: 0, head: 0 })
    expect(await touch(0)).toMatchObject({ outcome: 'appended', firstSequence: 1 })
    expect(await touch(0)).toEqual({ outcome: 'conflict', reason: 'revision', subject: subject(), currentRevision: 1, head: 1 })
    expect(await touch(1)).toMatchObject({ outcome: 'appended', firstSequence: 2 })
    expect(await touch(3)).toMatchObject({ outcome: 'conflict', currentRevision: 2 })
  })

  it.each(['v1.package.finalized', 'v1.package.discarded'])(
    'refuse a subject after its %s where it must be unsealed',
    async type => {
      const touch = () => test.log.append(testAppend(testEvent(), { conditions: [unsealed()] }))
      expect(await touch()).toMatchObject({ outcome: 'appended' })
      await test.log.append(testAppend(testEvent({ type })))
      expect(await touch()).toEqual({ outcome: 'conflict', reason: 'sealed', subject: subject(), currentRevision: 2, head: 2 })
      expect(await test.log.append(testAppend(testEvent()))).toMatchObject({ outcome: 'appended', firstSequence: 3 })
    },
  )

  it('let a subject be sealed only once, said or not', async () => {
    const seal = (type: string) => test.log.append(testAppend(testEvent({ type })))
    expect(await seal('v1.package.finalized')).toMatchObject({ outcome: 'appended' })
    expect(await seal('v1.package.finalized')).toMatchObject({ outcome: 'conflict', reason: 'sealed', currentRevision: 1 })
    expect(await seal('v1.package.discarded')).toMatchObject({ outcome: 'conflict', reason: 'sealed' })
    const twice = [
      testEvent({ id: 'other', type: 'v1.package.finalized' }),
      testEvent({ id: 'other', type: 'v1.package.discarded' }),
    ] as const
    await expect(test.log.append(testAppend(twice))).rejects.toMatchObject({
      kind: 'invalid-request',
      message: expect.stringContaining('events_1_seal'),
    })
    expect(await test.log.head()).toBe(1)
  })

  it('hold for all subjects of an append or nothing is appended', async () => {
    await test.log.append(testAppend(testEvent({ id: 'b' })))
    const events = [testEvent({ id: 'a' }), testEvent({ id: 'b' }), testEvent({ id: 'c' })] as const
    const refused = await test.log.append(testAppend(events, { conditions: [at(0, 'a'), at(0, 'b')] }))
    expect(refused).toEqual({ outcome: 'conflict', reason: 'revision', subject: subject('b'), currentRevision: 1, head: 1 })
    expect(await test.log.head()).toBe(1)
    expect(await test.log.append(testAppend(events, { conditions: [at(0, 'a'), at(1, 'b')] }))).toMatchObject({
      firstSequence: 2,
      lastSequence: 4,
    })
  })

  it('may be two on one subject; that it is sealed is told first', async () => {
    const touch = (revision: number) => test.log.append(testAppend(testEvent(), { conditions: [at(revision), unsealed()] }))
    expect(await touch(0)).toMatchObject({ outcome: 'appended' })
    expect(await touch(0)).toMatchObject({ reason: 'revision' })
    await test.log.append(testAppend(testEvent({ type: 'v1.package.finalized' })))
    expect(await touch(2)).toMatchObject({ reason: 'sealed' })
    expect(await touch(0)).toMatchObject({ reason: 'sealed' })
  })

  it('may speak of a subject that no event of the append touches', async () => {
    const append = (revision: number) => test.log.append(testAppend(testEvent({ id: 'a' }), { conditions: [at(revision, 'b')] }))
    expect(await append(1)).toMatchObject({ outcome: 'conflict', subject: subject('b') })
    expect(await append(0)).toMatchObject({ outcome: 'appended' })
  })

  it('let one of many that race for a revision win', async () => {
    const logs = [test.log, openPostgresLog(test.pool), openPostgresLog(test.pool)]
    const racing = Array.from({ length: 30 }, (_, i) => logs[i % 3]?.append(testAppend(testEvent(), { conditions: [at(0)] })))
    const outcomes = (await Promise.all(racing)).map(outcome => outcome?.outcome)
    expect(outcomes.filter(o => o === 'appended')).toHaveLength(1)
    expect(outcomes.filter(o => o === 'conflict')).toHaveLength(29)
    expect(await test.log.head()).toBe(1)
  })
})

describe('an idempotency key', () => {
  it('makes a repeat answer what the first was answered', async () => {
    const append = testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b' })], {
      conditions: [{ subject: subject('a'), revision: 0 }],
    })
    const first = await test.log.append(append)
    await test.log.append(testAppend(testEvent()))
    expect(await test.log.append(append)).toEqual({ ...first, outcome: 'repeated' })
    expect(await test.log.head()).toBe(3)
  })

  it('is known to every connection and process', async () => {
    const append = testAppend(testEvent())
    const first = await test.log.append(append)
    const pool = new Pool({ connectionString: test.database.urlFor('log_writer') })
    expect(await openPostgresLog(pool).append(append)).toEqual({ ...first, outcome: 'repeated' })
    await pool.end()
  })

  it('may not be used again for other events', async () => {
    const append = testAppend(testEvent({ payload: { a: 1 } }))
    await test.log.append(append)
    const answer = { outcome: 'key-reused', firstSequence: 1, lastSequence: 1 }
    expect(await test.log.append({ ...append, events: [testEvent({ payload: { a: 2 } })] })).toEqual(answer)
    expect(await test.log.append({ ...append, events: [testEvent({ payload: { a: 1 }, actor: 'someone else' })] })).toEqual(
      answer,
    )
    expect(await test.log.append({ ...append, events: [...append.events, testEvent()] })).toEqual(answer)
    expect(await test.log.head()).toBe(1)
  })

  it('is free again when its append was refused', async () => {
    const append: Append = testAppend(testEvent(), { conditions: [{ subject: subject('other'), revision: 1 }] })
    expect(await test.log.append(append)).toMatchObject({ outcome: 'conflict' })
    await test.log.append(testAppend(testEvent({ id: 'other' })))
    expect(await test.log.append(append)).toMatchObject({ outcome: 'appended', firstSequence: 2 })
  })

  it('makes one append of repeats that race, within a log-writer and between several', async () => {
    const logs = [test.log, openPostgresLog(test.pool), openPostgresLog(test.pool)]
    const append = testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b' })])
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, i) => logs[i % 3]?.append(append)))
    expect(outcomes.filter(o => o?.outcome === 'appended')).toHaveLength(1)
    expect(outcomes.filter(o => o?.outcome === 'repeated')).toHaveLength(29)
    expect(new Set(outcomes.map(o => JSON.stringify({ ...o, outcome: '' }))).size).toBe(1)
    expect(await test.log.head()).toBe(2)
  })
})
