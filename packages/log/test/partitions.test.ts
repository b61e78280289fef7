import { keepPartitions, keepPartitionsOnce, openPostgresLog, postgresLogReader, write } from '@artifact-store/log'
import { createTestDatabase, smallPartitions } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { subject, testAppend, testEvent } from './test-event.ts'

async function smallLog(events: number) {
  const database = await createTestDatabase()
  await smallPartitions(database.pool, events)
  const pool = database.poolFor('log_writer')
  const partitions = async () =>
    (
      await database.pool.query<{ first: number; last: number; closed: boolean; keys: boolean }>(
        `select first_sequence::int as first, last_sequence::int as last, carried_to = last_sequence as closed, keeps_keys as keys
           from log.partitions order by first_sequence`,
      )
    ).rows
  const keep = (keySeconds = 1e6) => keepPartitionsOnce(pool, { keySeconds })
  return {
    database,
    pool,
    log: openPostgresLog(pool),
    partitions,
    keep,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const fill = async (log: ReturnType<typeof openPostgresLog>, count: number, prefix: string) => {
  for (let i = 0; i < count; i++) await log.append(testAppend(testEvent({ id: `${prefix} ${i}` })))
}

/** Appends an event of a new subject by the function for the first open partition; null when that one hands over. */
async function appendHere(small: Awaited<ReturnType<typeof smallLog>>, id: string): Promise<number | null> {
  const { rows } = await small.pool.query<{ placed: string[] | null }>(
    `select log.append_one('package', $1, 0, false, 'v1.test.happened', 'x', '{}', decode(repeat('00', 32), 'hex'), null) as placed`,
    [id],
  )
  return rows[0]?.placed ? Number(rows[0].placed[0]) + 1 : null
}

describe('the partitions of the log', () => {
  it('are appended to by functions of their own, in which there is no room while a full one is not closed', async () => {
    await using small = await smallLog(3)
    expect([await appendHere(small, 'a'), await appendHere(small, 'a'), await appendHere(small, 'b')]).toEqual([1, null, 2])
    expect([await appendHere(small, 'c'), await appendHere(small, 'd')]).toEqual([3, null])
    await fill(small.log, 1, 'x')
    expect(await appendHere(small, 'd')).toBe(null)
    await small.keep()
    expect([await appendHere(small, 'a'), await appendHere(small, 'd'), await appendHere(small, 'e')]).toEqual([null, 5, 6])
  })

  it('are made by an append that finds none, even for a batch that is larger than one', async () => {
    await using small = await smallLog(10)
    const [first, ...others] = Array.from({ length: 35 }, (_, i) => testEvent({ id: `s ${i % 3}` }))
    if (!first) throw new TypeError('a batch has an event')
    expect(await small.log.append(testAppend([first, ...others]))).toMatchObject({ firstSequence: 1, lastSequence: 35 })
    expect((await small.partitions()).map(p => [p.first, p.last])).toEqual([
      [1, 10],
      [11, 20],
      [21, 30],
      [31, 40],
    ])
    const events = await small.log.fetchSince(0, 100)
    expect(events.map(e => e.sequence)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1))
    expect(events.filter(e => e.subjectId === 's 1').map(e => e.subjectRevision)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    )
  })

  it('are made before they are needed, and neither a reader nor a writer that is at work keeps that waiting', async () => {
    await using small = await smallLog(10)
    await small.pool.query('select log.keep_partitions_ahead()')
    await fill(small.log, 11, 'x')
    const reader = await small.database.pool.connect()
    await reader.query('begin isolation level repeatable read')
    await reader.query('select count(*) from log.events')
    const writer = await small.pool.connect()
    await writer.query('begin')
    await write(writer, testEvent({ id: 'slow' }))
    const keeping = new AbortController()
    const errors: unknown[] = []
    const kept = keepPartitions(small.pool, { signal: keeping.signal, everyMs: 10, onError: error => errors.push(error) })
    while ((await small.partitions()).at(-1)?.last !== 30);
    await writer.query('commit')
    writer.release()
    await reader.query('commit')
    reader.release()
    keeping.abort()
    await kept
    expect(errors).toEqual([])
    expect(await small.log.head()).toBe(12)
  })

  it('tell where a subject stands, whether it is sealed and what a key was answered, also when they are closed', async () => {
    await using small = await smallLog(10)
    const { log } = small
    const old = testAppend(testEvent({ id: 'old' }), { key: 'the old key' })
    await log.append(old)
    await log.append(testAppend(testEvent({ id: 'sealed', type: 'v1.package.finalized' })))
    await fill(log, 25, 'x')
    await small.keep()
    expect((await small.partitions()).map(p => p.closed)).toEqual([true, true, false, false, false])

    const about = (id: string, condition: { revision: number } | { unsealed: true }) =>
      log.append(testAppend(testEvent({ id }), { conditions: [{ subject: subject(id), ...condition }] }))
    expect(await about('old', { revision: 0 })).toMatchObject({ outcome: 'conflict', reason: 'revision', currentRevision: 1 })
    expect(await about('sealed', { unsealed: true })).toMatchObject({ outcome: 'conflict', reason: 'sealed', currentRevision: 1 })
    expect(await log.append(testAppend(testEvent({ id: 'sealed', type: 'v1.package.discarded' })))).toMatchObject({
      reason: 'sealed',
    })
    expect(await about('old', { revision: 1 })).toMatchObject({ outcome: 'appended' })
    expect(await log.append(testAppend(testEvent({ id: 'sealed' })))).toMatchObject({ outcome: 'appended' })
    expect(await log.append(old)).toMatchObject({ outcome: 'repeated', firstSequence: 1, lastSequence: 1 })
    expect(await log.append(testAppend(testEvent({ id: 'other' }), { key: 'the old key' }))).toMatchObject({
      outcome: 'key-reused',
    })
    const revisions = await postgresLogReader(small.pool, { subject: subject('sealed') }).fetchSince(0, 10)
    expect(revisions.map(e => e.subjectRevision)).toEqual([1, 2])

    // And again, when the next ones are closed.
    await fill(log, 25, 'y')
    await small.keep()
    expect(await about('old', { revision: 1 })).toMatchObject({ outcome: 'conflict', currentRevision: 2 })
    expect(await about('sealed', { unsealed: true })).toMatchObject({ reason: 'sealed', currentRevision: 2 })
  })

  it('forget the keys of old appends, and of no partition that is open', async () => {
    await using small = await smallLog(10)
    const append = testAppend(testEvent({ id: 'old' }), { key: 'the old key' })
    await small.log.append(append)
    await fill(small.log, 15, 'x')
    await small.keep(1e6)
    expect((await small.partitions()).map(p => p.keys)).toEqual([true, true, true, true])
    await small.keep(0)
    expect((await small.partitions()).map(p => p.keys)).toEqual([false, true, true, true])
    expect(await small.log.append(append)).toMatchObject({ outcome: 'appended', firstSequence: 17 })
  })

  it('are closed a piece at a time, and appends are right all the while', async () => {
    await using small = await smallLog(10)
    await fill(small.log, 9, 'x')
    await small.log.append(testAppend(testEvent({ id: 'x 0' })))
    await fill(small.log, 2, 'y')
    for (let step = 0; step < 12; step++) {
      const refused = await small.log.append(
        testAppend(testEvent({ id: 'x 0' }), { conditions: [{ subject: subject('x 0'), revision: 1 }] }),
      )
      expect(refused).toMatchObject({ outcome: 'conflict', currentRevision: 2 })
      await small.pool.query('select log.carry_subjects(1)')
    }
    expect((await small.partitions())[0]).toMatchObject({ closed: true })
  })

  it('refuse a change each, also where it is named itself', async () => {
    await using small = await smallLog(10)
    await fill(small.log, 12, 'x')
    for (const change of ['delete from log.events_11', "update log.events_11 set actor = 'x'", 'truncate log.events_11']) {
      await expect(small.database.pool.query(change)).rejects.toThrow('append-only')
    }
  })
})
