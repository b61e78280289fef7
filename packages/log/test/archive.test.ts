import { type EventFilter, maxFetch, postgresLogReader, type Queryable, tellArchive } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { archivedLog } from './archive-world.ts'
import { subject, testAppend, testEvent } from './test-event.ts'
import { inTransaction } from './test-log.ts'

type World = Awaited<ReturnType<typeof archivedLog>>

/** Appends so many events, of several types and subjects, one or two at a time. */
async function fill({ log }: World, count: number): Promise<void> {
  const begin = await log.head()
  const make = (n: number) =>
    testEvent({
      id: n % 4 === 0 ? `busy ${n % 3}` : `quiet ${n}`,
      type: n === begin + 7 ? 'v1.rare.happened' : `v1.common.${'abc'.charAt(n % 3)}`,
      payload: { n, text: 'Grüße "\\ \n 👩‍🚀 \u007f \u2028' },
    })
  const appends = []
  for (let n = begin; n < begin + count; n += 2)
    appends.push(log.append(testAppend(n + 1 < begin + count ? [make(n), make(n + 1)] : make(n))))
  await Promise.all(appends)
}

describe('a log whose oldest partitions are archived', () => {
  const filters: [string, EventFilter][] = [
    ['everything', {}],
    ['a type', { types: ['v1.common.b'] }],
    ['types, one of them rare', { types: ['v1.rare.happened', 'v1.common.a', 'v1.never.happened'] }],
    ['a rare type', { types: ['v1.rare.happened'] }],
    ['no type at all', { types: [] }],
    ['a subject with a long history', { subject: subject('busy 1') }],
    ['a subject with a short history', { subject: subject('quiet 5') }],
    ['a subject and types', { subject: subject('busy 0'), types: ['v1.common.a', 'v1.common.c'] }],
    ['a subject that is not there', { subject: subject('nobody') }],
  ]

  it('gives the same answers as before, wherever a read begins and ends, and by every filter', async () => {
    await using world = await archivedLog(40)
    await fill(world, 250)
    const before = await world.tableOnly.fetchSince(0, maxFetch)
    await world.archiveAll({ maxEvents: 16 })
    expect(await world.partitions()).toMatchObject({ 1: 'dropped', 201: 'dropped', 241: 'attached' })
    expect(await world.segments()).toContainEqual([33, 40])
    const { rows } = await world.database.pool.query('select min(sequence)::int as first from log.events')
    expect(rows).toEqual([{ first: 241 }])

    for (const [, filter] of filters) {
      const chosen = before.filter(
        e => (filter.types?.includes(e.eventType) ?? true) && (!filter.subject || filter.subject.id === e.subjectId),
      )
      const reader = postgresLogReader(world.pool, filter, world.archive)
      for (const after of [0, 1, 16, 39, 40, 41, 239, 240, 241, 250, 251])
        for (const limit of [1, 3, maxFetch])
          expect(await reader.fetchSince(after, limit), JSON.stringify({ filter, after, limit })).toEqual(
            chosen.filter(e => e.sequence > after).slice(0, limit),
          )
      expect(await reader.head()).toBe(250)
    }
  })

  it('is walked page by page, a read looking into few segments, without anything missing', async () => {
    await using world = await archivedLog(40)
    await fill(world, 250)
    const before = await world.tableOnly.fetchSince(0, maxFetch)
    await world.archiveAll({ maxEvents: 8 })
    const reader = postgresLogReader(world.pool, { types: ['v1.rare.happened', 'v1.common.b'] }, world.archive)
    const found: number[] = []
    for (let position: number | undefined = 0; position !== undefined; ) {
      const page = await reader.page(position, 100)
      found.push(...page.events.map(e => e.sequence))
      if (page.position !== undefined) expect(page.position).toBeGreaterThan(position)
      position = page.position
    }
    expect(found).toEqual(before.filter(e => /rare|common.b/.test(e.eventType)).map(e => e.sequence))
  })

  it('is appended to as ever: conditions, seals and numbers go on', async () => {
    await using world = await archivedLog(10)
    await world.log.append(testAppend(testEvent({ id: 'sealed', type: 'v1.package.finalized' })))
    await world.log.append(testAppend(testEvent({ id: 'old' })))
    await fill(world, 40)
    await world.archiveAll()
    const about = (id: string, condition: { revision: number } | { unsealed: true }) =>
      world.log.append(testAppend(testEvent({ id }), { conditions: [{ subject: subject(id), ...condition }] }))
    expect(await about('sealed', { unsealed: true })).toMatchObject({ outcome: 'conflict', reason: 'sealed' })
    expect(await about('old', { revision: 0 })).toMatchObject({ outcome: 'conflict', currentRevision: 1 })
    expect(await about('old', { revision: 1 })).toMatchObject({ outcome: 'appended', firstSequence: 43 })
    const history = await postgresLogReader(world.pool, { subject: subject('old') }, world.archive).fetchSince(0, 10)
    expect(history.map(e => [e.sequence, e.subjectRevision])).toEqual([
      [2, 1],
      [43, 2],
    ])
  })

  it('is read without a gap by many readers while it grows and is archived', async () => {
    await using world = await archivedLog(20)
    const total = 400
    const growing = (async () => {
      while ((await world.log.head()) < total) await fill(world, 30)
    })()
    const readers = [{}, { types: ['v1.common.a', 'v1.common.b', 'v1.common.c', 'v1.rare.happened'] }].flatMap(filter =>
      [1, 7, 50, 333].map(async limit => {
        const reader = postgresLogReader(world.pool, filter, world.archive)
        let position = 0
        while (position < total)
          for (const { sequence } of await reader.fetchSince(position, limit)) {
            expect(sequence).toBe(position + 1)
            position = sequence
          }
      }),
    )
    let done = false
    const finished = Promise.all([growing, ...readers]).finally(() => {
      done = true
    })
    while (!done) await world.archiveAll({ maxEvents: 8 })
    await finished
    await world.archiveAll()
    const all = await world.log.fetchSince(0, maxFetch)
    expect(all.map(e => e.sequence)).toEqual(all.map((_, i) => i + 1))
  })

  it('keeps what may be needed: open partitions, and those whose keys are remembered', async () => {
    await using world = await archivedLog(20)
    const append = testAppend(testEvent({ id: 'x' }), { key: 'the key' })
    await world.log.append(append)
    await fill(world, 50)
    await world.archiveAll({ afterSeconds: 3600 })
    expect(await world.segments()).toEqual([])
    await using remembering = await archivedLog(20)
    await remembering.log.append(append)
    await fill(remembering, 50)
    await expect(record(remembering.pool, [1, 20])).rejects.toThrow('is not archived: it is open, or the keys')
    expect(await remembering.log.append(append)).toMatchObject({ outcome: 'repeated', firstSequence: 1 })
  })
})

const record = (
  connection: Queryable,
  [first, last]: readonly [number, number],
  sha256: Uint8Array = Buffer.alloc(32),
  filter: Uint8Array = Buffer.alloc(64, 255),
) =>
  connection.query({
    text: 'select log.record_segment($1, $2, $3, 1, 1, $4, $5) as recorded',
    values: [first, last, Buffer.alloc(32), sha256, filter],
  })

describe('the database', () => {
  it('records no segment that says something else, leaves a subject out, or leaves a gap', async () => {
    await using world = await archivedLog(20)
    await fill(world, 50)
    await world.close()
    const lines = async (first: number, last: number): Promise<Buffer> => {
      const { rows } = await world.database.pool.query(
        `select sha256(convert_to(string_agg(log.segment_line(e), '' order by e.sequence), 'UTF8')) as sha256
           from log.events e where sequence between $1 and $2`,
        [first, last],
      )
      return rows[0].sha256
    }
    await expect(record(world.pool, [1, 10], Buffer.alloc(32))).rejects.toThrow('does not say what the log says')
    await expect(record(world.pool, [1, 10], await lines(1, 9))).rejects.toThrow('does not say what the log says')
    await expect(record(world.pool, [1, 10], await lines(1, 10), Buffer.alloc(64))).rejects.toThrow('leaves a subject out')
    await expect(record(world.pool, [2, 10], await lines(2, 10))).rejects.toThrow('without a gap: the next one begins at 1')
    await expect(record(world.pool, [1, 21], await lines(1, 21))).rejects.toThrow('not all in one partition')
    expect((await record(world.pool, [1, 10], await lines(1, 10))).rows).toEqual([{ recorded: true }])
    expect((await record(world.pool, [1, 10], await lines(1, 10))).rows).toEqual([{ recorded: false }])
    await expect(world.pool.query('select log.detach_partition(1)')).rejects.toThrow('not all its events are archived')
    await expect(world.pool.query('select log.detach_partition(21)')).rejects.toThrow('in their order')
    await expect(world.pool.query("select log.drop_partition(1, '0')")).rejects.toThrow('not to be dropped')
    expect(await world.log.fetchSince(0, 100)).toHaveLength(50)
  })

  it('keeps what is detached for as long as it was told, as immutable as before, and takes it back', async () => {
    await using world = await archivedLog(20)
    await fill(world, 50)
    await world.archiveAll({ graceSeconds: 3600 })
    expect(await world.partitions()).toMatchObject({ 1: 'detached', 21: 'detached', 41: 'attached' })
    await expect(world.database.pool.query('delete from log.events_1')).rejects.toThrow('append-only')
    await expect(world.pool.query("select log.drop_partition(1, '1 hour')")).rejects.toThrow('not to be dropped')
    await expect(world.database.pool.query('select log.attach_partition(1)')).rejects.toThrow('not the newest')
    const before = await world.log.fetchSince(0, 100)

    await world.database.pool.query('select log.attach_partition(21)')
    expect(await world.log.fetchSince(0, 100)).toEqual(before)
    expect(await world.tableOnly.fetchSince(20, 100)).toEqual(before.slice(20))
    await world.archiveAll({ graceSeconds: 3600 })
    expect(await world.partitions()).toMatchObject({ 1: 'detached', 21: 'attached' })
    await world.database.pool.query('select log.attach_partition(1)')
    expect(await world.tableOnly.fetchSince(0, 100)).toEqual(before)
  })

  it('makes nobody wait: a partition stays while a transaction is open that has read the log', async () => {
    await using world = await archivedLog(20)
    await fill(world, 50)
    await world.close()
    await inTransaction(world.database.poolFor('gateway'), async client => {
      await client.query('select 1 from log.events limit 1')
      const steps: string[] = []
      await world.archiveAll({ onStep: ({ step }) => void steps.push(step) })
      expect(steps).toEqual(['archived', 'busy', 'archived'])
      expect(await world.log.append(testAppend(testEvent()))).toMatchObject({ outcome: 'appended' })
      expect(await world.tableOnly.fetchSince(0, 100)).toHaveLength(51)
    })
    await world.archiveAll()
    expect(await world.partitions()).toMatchObject({ 1: 'dropped', 21: 'dropped' })
  })

  it('lets no transaction miss events that were detached after it began: its read is refused', async () => {
    await using world = await archivedLog(20)
    await fill(world, 50)
    const gateway = world.database.poolFor('gateway')
    await inTransaction(
      gateway,
      async client => {
        await client.query('select count(*) from log.subjects')
        await world.archiveAll()
        for (const filter of [{}, { types: ['v1.common.a'] }, { subject: subject('busy 0') }])
          await expect(postgresLogReader(client, filter, world.archive).fetchSince(0, 100)).rejects.toMatchObject({
            kind: 'archive-damaged',
            message: expect.stringContaining('the events 1 to 40 are neither in the table'),
          })
      },
      { begin: 'begin isolation level repeatable read' },
    )
    expect(await postgresLogReader(gateway, {}, world.archive).fetchSince(0, 100)).toHaveLength(50)
  })
})

describe('a process without an archive', () => {
  it('reads what is in the table, and is told what to set for the rest', async () => {
    await using world = await archivedLog(20)
    await fill(world, 50)
    expect(await tellArchive(world.pool, undefined)).toBe('off')
    expect(await tellArchive(world.pool, world.archive)).toBe('nothing is archived yet')
    await world.archiveAll()
    expect(await world.tableOnly.fetchSince(40, 100)).toHaveLength(10)
    for (const after of [0, 39])
      await expect(world.tableOnly.fetchSince(after, 100)).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringContaining('set LOG_ARCHIVE_URL'),
      })
    await expect(tellArchive(world.pool, undefined)).rejects.toMatchObject({ kind: 'configuration' })
    expect(await tellArchive(world.pool, world.archive)).toBe('archived to 40')
  })
})
