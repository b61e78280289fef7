import { newPackageId } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import {
  createViewWriter,
  findPackage,
  replay,
  stateDigest,
  type ViewWriter,
  viewsChannel,
  viewsPosition,
} from '@artifact-store/views'
import { Client, Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { added, created, event, file, unknownEvent } from './events.ts'
import { dumpViews, useTestViews } from './test-views.ts'

const views = await useTestViews()

describe('apply', () => {
  it('moves rows and checkpoint together and answers the new position', async () => {
    const id = newPackageId()
    const stored = await views.append([created(id), added(id, file('a')), unknownEvent(id)])
    expect(await views.writer.apply(stored.slice(0, 2))).toBe(2)
    expect(await views.writer.position()).toBe(2)
    expect(await findPackage(views.db, id)).toMatchObject({ revision: 2, fileCount: 1 })
    expect(await views.writer.apply(stored.slice(2))).toBe(3)
    expect(await viewsPosition(views.reader)).toBe(3)
    // The revision is that of the last event that the views know of.
    expect(await findPackage(views.db, id)).toMatchObject({ revision: 2 })
  })

  it('of nothing changes nothing', async () => {
    expect(await views.writer.apply([])).toBe(0)
    await views.show(created(newPackageId()))
    expect(await views.writer.apply([])).toBe(1)
  })

  it('refuses events from elsewhere: behind a gap, from before the checkpoint, or the same again', async () => {
    const stored = await views.append(Array.from({ length: 6 }, () => created(newPackageId())))
    const conflict = expect.objectContaining({ kind: 'revision-conflict' })
    await expect(views.writer.apply(stored.slice(1))).rejects.toEqual(conflict)
    expect(await dumpViews(views.reader)).toMatchObject({ checkpoints: [{ position: '0' }], artifact_packages: [] })
    await views.writer.apply(stored.slice(0, 3))
    const before = await stateDigest(views.reader)
    await expect(views.writer.apply(stored.slice(0, 3))).rejects.toEqual(conflict)
    await expect(views.writer.apply(stored.slice(2))).rejects.toEqual(conflict)
    await expect(views.writer.apply(stored.slice(4))).rejects.toEqual(conflict)
    expect(await stateDigest(views.reader)).toEqual(before)
    expect(await views.writer.apply(stored.slice(3))).toBe(6)
  })

  it('refuses a batch with a hole or in the wrong order', async () => {
    const [first, second, third] = await views.append(Array.from({ length: 3 }, () => created(newPackageId())))
    const conflict = expect.objectContaining({ kind: 'revision-conflict' })
    if (!first || !second || !third) throw new Error('three events were appended')
    await expect(views.writer.apply([first, third])).rejects.toEqual(conflict)
    await expect(views.writer.apply([first, third, second])).rejects.toEqual(conflict)
    await expect(views.writer.apply([first, second, second])).rejects.toEqual(conflict)
    expect(await views.writer.position()).toBe(0)
  })

  it('tells the new position to those who listen, at the commit and not before', async () => {
    const listener = new Client({ connectionString: views.database.urlFor('gateway') })
    await listener.connect()
    const heard: string[] = []
    listener.on('notification', ({ payload = '' }) => heard.push(payload))
    await listener.query(`listen ${viewsChannel}`)
    const stored = await views.append([created(newPackageId()), created(newPackageId())])
    await views.writer.transaction(async within => {
      await within.apply(stored)
      await listener.query('select 1')
      expect(heard).toEqual([])
    })
    await expect.poll(() => heard).toEqual(['2'])
    await listener.end()
  })

  it('leaves nothing when one of its events cannot be applied', async () => {
    const id = newPackageId()
    await views.show(created(id))
    const before = await stateDigest(views.reader)
    const stored = await views.append([
      added(id, file('a')),
      event('v1.package.linked', 'no package id', { relation: 'attests', target: 'x' }),
    ])
    await expect(views.writer.apply(stored)).rejects.toThrow('invalid input syntax for type uuid')
    expect(await stateDigest(views.reader)).toEqual(before)
    expect(await views.writer.apply(stored.slice(0, 1))).toBe(2)
  })
})

describe('two writers that race', () => {
  it('apply every event once: the one that was late is told so', async () => {
    const history = randomHistory({ seed: 11, length: 900 })
    await views.append(history)
    const pools = [1, 2].map(() => new Pool({ connectionString: views.database.urlFor('projector') }))
    const writers = pools.map(pool => createViewWriter(pool))
    // Both have read the first batch before either applies it.
    const firstBatch = await views.log.fetchSince(0, 5)
    let conflicts = 0
    const race = async (writer: ViewWriter) => {
      let applied = 0
      for (let events = firstBatch; events.length > 0; events = await views.log.fetchSince(await writer.position(), 5)) {
        try {
          await writer.apply(events)
          applied += events.length
        } catch (error) {
          expect(error).toMatchObject({ kind: 'revision-conflict' })
          conflicts += 1
        }
      }
      return applied
    }
    const [first = 0, second = 0] = await Promise.all(writers.map(race))
    expect(first + second).toBe(history.length)
    expect(conflicts).toBeGreaterThan(0)
    const raced = await stateDigest(views.reader)
    await replay(views.log, views.writer, { reset: true })
    expect(await stateDigest(views.reader)).toEqual(raced)
    await Promise.all(pools.map(pool => pool.end()))
  })

  it('wait for each other: a replay from the beginning and a batch do not mix', async () => {
    const history = randomHistory({ seed: 12, length: 400 })
    const stored = await views.append(history)
    await views.writer.apply(stored.slice(0, 300))
    const other = createViewWriter(views.database.poolFor('projector'))
    const inBatch = Promise.withResolvers<void>()
    const batch = other.transaction(async within => {
      await within.apply(stored.slice(300, 350))
      inBatch.resolve()
      // Until the replay waits for this batch's checkpoint.
      await expect.poll(async () => (await waitingForLock()).length, { timeout: 10_000 }).toBe(1)
    })
    await inBatch.promise
    expect(await replay(views.log, views.writer, { reset: true })).toBe(400)
    await batch
    const mixed = await stateDigest(views.reader)
    await replay(views.log, views.writer, { reset: true })
    expect(await stateDigest(views.reader)).toEqual(mixed)
  })
})

describe('a transaction', () => {
  it('holds several batches together', async () => {
    const stored = await views.append(Array.from({ length: 4 }, () => created(newPackageId())))
    const broken = views.writer.transaction(async within => {
      await within.apply(stored.slice(0, 2))
      expect(await within.position()).toBe(2)
      await within.transaction(inner => inner.apply(stored.slice(2)))
      throw new Error('second thoughts')
    })
    await expect(broken).rejects.toThrow('second thoughts')
    expect(await views.writer.position()).toBe(0)
    expect(await views.writer.transaction(within => within.apply(stored))).toBe(4)
  })
})

describe('a connection that is cut in the middle of a batch', () => {
  it.each(['views.artifact_packages', 'views.blobs'])('leaves nothing half when it is about to write %s', async table => {
    const pool = new Pool({ connectionString: views.database.urlFor('projector'), application_name: 'to be cut' })
    pool.on('error', () => undefined)
    const writer = createViewWriter(pool)
    const stored = await views.append(randomHistory({ seed: 13, length: 300 }))
    await writer.apply(stored.slice(0, 100))
    const before = await stateDigest(views.reader)
    const blocker = await views.database.pool.connect()
    await blocker.query(`begin; lock table ${table} in share row exclusive mode`)

    const batch = writer.apply(stored.slice(100)).catch((error: unknown) => error)
    await expect.poll(async () => (await waitingForLock()).length, { timeout: 10_000 }).toBe(1)
    await blocker.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1', ['to be cut'])
    expect(await batch).toBeInstanceOf(Error)
    await blocker.query('rollback')
    blocker.release()

    expect(await stateDigest(views.reader)).toEqual(before)
    // The writer makes itself another connection.
    expect(await writer.apply(stored.slice(100))).toBe(300)
    await pool.end()
  })

  it('does not end the process while nothing is asked of it', async () => {
    const pool = new Pool({ connectionString: views.database.urlFor('projector'), application_name: 'to be cut' })
    pool.on('error', () => undefined)
    const stored = await views.append([created(newPackageId())])
    const work = createViewWriter(pool).transaction(async within => {
      await within.apply(stored)
      await views.database.pool.query(
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1',
        ['to be cut'],
      )
      await within.position()
    })
    await expect(work).rejects.toThrow()
    expect(await views.writer.position()).toBe(0)
    await pool.end()
  })
})

describe('reset', () => {
  it('empties every view and puts the checkpoint to 0', async () => {
    await views.show(...randomHistory({ seed: 14, length: 400 }))
    await views.writer.reset()
    const { checkpoints, ...rows } = await dumpViews(views.reader)
    expect(checkpoints).toEqual([{ projection: 'registry', position: '0' }])
    expect(Object.values(rows).flat()).toEqual([])
  })

  it('works on views that were never written, and twice', async () => {
    await views.database.pool.query('delete from views.checkpoints')
    await views.writer.reset()
    await views.writer.reset()
    expect(await views.writer.position()).toBe(0)
  })
})

async function waitingForLock() {
  const { rows } = await views.database.pool.query(
    `select pid from pg_stat_activity where datname = current_database() and usename = 'projector' and wait_event_type = 'Lock'`,
  )
  return rows
}
