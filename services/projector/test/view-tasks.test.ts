import { createTestDatabase, randomHistory, type ServiceUnderTest, type TestDatabase } from '@artifact-store/testkit'
import {
  discardViewTask,
  findViewTask,
  requestViewTask,
  stateDigest,
  type ViewTask,
  type ViewTaskKind,
} from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { appendBurst, expectFreshReplayEqual, startProjector, untilAt } from './test-projector.ts'

const history = randomHistory({ seed: 71, length: 1500 })

describe('a task on the views', () => {
  it('is taken up by a projector: they are rebuilt while it moves them, and verified', async () => {
    await using database = await createTestDatabase()
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 600), 100)
    await using projector = await startProjector(database.urlFor('projector'))
    await untilAt(projector, 600)
    const burst = appendBurst(database.poolFor('log_writer'), history.slice(600, 1200))
    const rebuild = await ended(database, await request(database, 'rebuild'))
    expect(rebuild).toMatchObject({ phase: 'done', requestedBy: 'an admin', error: null })
    await burst
    await untilAt(projector, 1200)
    const verification = await ended(database, await request(database, 'verification'))
    const { digest } = await stateDigest(database.pool)
    expect(verification).toMatchObject({
      phase: 'done',
      position: 1200,
      result: { live: digest, fresh: digest, differences: [] },
    })
    await untilScratchIsGone(database)
    expect(await projector.stop()).toBe(0)
    await expectFreshReplayEqual(database.pool)
  })

  it('goes on in another projector when the one that worked on it is killed', async () => {
    await using database = await createTestDatabase()
    await appendBurst(database.poolFor('log_writer'), history, 500)
    await using one = await startProjector(database.urlFor('projector'))
    await using other = await startProjector(database.urlFor('projector'))
    await untilAt(one, history.length)
    const id = await request(database, 'rebuild')
    const release = await holdUp(database)
    const [killed, survivor] = worksOn(one, id) ? [one, other] : [other, one]
    await killed.kill()
    await release()
    expect(await ended(database, id)).toMatchObject({ phase: 'done', position: history.length })
    expect(worksOn(survivor, id)).toBe(true)
    expect(await survivor.stop()).toBe(0)
    await expectFreshReplayEqual(database.pool)
  })

  it('is told as interrupted while nobody works on it', async () => {
    await using database = await createTestDatabase()
    await appendBurst(database.poolFor('log_writer'), history, 500)
    const id = await request(database, 'rebuild')
    expect(await findViewTask(database.pool, id)).toMatchObject({ phase: 'waiting', isWorkedOn: false, position: null })
    {
      await using projector = await startProjector(database.urlFor('projector'))
      const release = await holdUp(database)
      expect(await findViewTask(database.pool, id)).toMatchObject({ phase: 'building', isWorkedOn: true })
      await projector.kill()
      const isWorkedOn = async () => (await findViewTask(database.pool, id))?.isWorkedOn
      await expect.poll(isWorkedOn, { timeout: 20_000 }).toBe(false)
      await release()
    }
    expect(await findViewTask(database.pool, id)).toMatchObject({ phase: 'building', finishedAt: null })
    await using projector = await startProjector(database.urlFor('projector'))
    expect(await ended(database, id)).toMatchObject({ phase: 'done' })
    expect(await projector.stop()).toBe(0)
  })

  it('fails with a sentence where an event cannot be applied, and leaves everything as it was', async () => {
    await using database = await createTestDatabase()
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 300), 100)
    await using projector = await startProjector(database.urlFor('projector'))
    await untilAt(projector, 300)
    const before = await stateDigest(database.pool)
    // What the live views had never met: the copy that is made has it.
    await database.pool.query(`alter table views.blobs add constraint small check (size < 10) not valid`)
    const { rows } = await database.pool.query<{ sequence: string }>(
      `select min(sequence) as sequence from log.events where event_type = 'v1.blob.stored' and (convert_from(payload, 'UTF8')::jsonb->>'size')::bigint >= 10`,
    )
    const task = await ended(database, await request(database, 'rebuild'))
    expect(task).toMatchObject({
      phase: 'failed',
      error: expect.stringContaining(`event ${rows[0]?.sequence} (v1.blob.stored) cannot be applied`),
    })
    expect(await stateDigest(database.pool)).toEqual(before)
    await untilScratchIsGone(database)
  })

  it('that is given up is left alone, and the next one is taken up', async () => {
    await using database = await createTestDatabase()
    await appendBurst(database.poolFor('log_writer'), history, 500)
    await using projector = await startProjector(database.urlFor('projector'))
    const id = await request(database, 'rebuild')
    const release = await holdUp(database)
    await discardViewTask(database.poolFor('gateway'), id)
    await release()
    await untilScratchIsGone(database)
    expect(await findViewTask(database.pool, id)).toMatchObject({ phase: 'discarded' })
    await untilAt(projector, history.length)
    expect(await ended(database, await request(database, 'rebuild'))).toMatchObject({ phase: 'done' })
  })
})

function request(database: TestDatabase, kind: ViewTaskKind): Promise<number> {
  return requestViewTask(database.poolFor('gateway'), kind, 'an admin')
}

async function ended(database: TestDatabase, id: number): Promise<ViewTask> {
  const isEnded = async () => (await findViewTask(database.pool, id))?.finishedAt ?? undefined
  await expect.poll(isEnded, { timeout: 25_000, interval: 20 }).toBeDefined()
  return (await findViewTask(database.pool, id)) ?? expect.fail('the task is gone')
}

/** Keeps the rebuild that was asked for from going on, as soon as it has begun. @returns what lets it go on. */
async function holdUp(database: TestDatabase): Promise<() => Promise<void>> {
  const blocker = await database.pool.connect()
  const lock = () => blocker.query('begin; lock table views_next.checkpoints in share row exclusive mode')
  await expect
    .poll(
      () =>
        lock().then(
          () => 'held up',
          () => blocker.query('rollback'),
        ),
      { timeout: 20_000, interval: 5 },
    )
    .toBe('held up')
  const isHeldUp = async () =>
    (await database.pool.query(`select from pg_locks where not granted and relation = 'views_next.checkpoints'::regclass`)).rows
      .length
  await expect.poll(isHeldUp, { timeout: 20_000 }).toBeGreaterThan(0)
  return async () => {
    await blocker.query('rollback')
    blocker.release()
  }
}

/** Whether it says itself that it works, or has worked, on the task. */
function worksOn({ lines }: ServiceUnderTest, id: number): boolean {
  return lines.some(line => line.includes(`"task":${id},`) && line.includes('"phase":"building"'))
}

async function untilScratchIsGone(database: TestDatabase): Promise<void> {
  const left = async () =>
    (await database.pool.query(`select nspname from pg_namespace where nspname in ('views_next', 'views_scratch')`)).rows
  await expect.poll(left, { timeout: 20_000 }).toEqual([])
}
