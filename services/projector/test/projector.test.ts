import { createTestDatabase, randomHistory, type ServiceUnderTest } from '@artifact-store/testkit'
import { stateDigest } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import {
  appendBurst,
  expectEachAppliedOnce,
  expectFreshReplayEqual,
  metricsOf,
  positionOf,
  readinessOf,
  recordCheckpoints,
  startProjector,
  untilAt,
  untilReadiness,
} from './test-projector.ts'

describe('the projector', () => {
  it('follows the log, and tells how far it is', async () => {
    await using database = await createTestDatabase()
    const history = randomHistory({ seed: 1, length: 450 })
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 150))
    await using projector = await startProjector(database.urlFor('projector'))
    await untilAt(projector, 150)

    await appendBurst(database.poolFor('log_writer'), history.slice(150, 400))
    await untilAt(projector, 400)

    const { rows } = await database.pool.query<{ created_at: Date }>('select created_at from log.events where sequence = 400')
    expect(await positionOf(projector)).toEqual({
      position: 400,
      head: 400,
      lag: 0,
      appliedAt: rows[0]?.created_at.toISOString(),
    })
    await untilReadiness(projector, {
      http: 200,
      status: 'ready',
      checks: { postgres: { ok: true, detail: 'log at 400' }, projection: { ok: true, detail: 'views at 400' } },
    })
    expect(await metricsOf(projector)).toMatchObject({
      artifact_store_projection_position: 400,
      artifact_store_projection_lag_events: 0,
      artifact_store_projection_lag_seconds: 0,
      'artifact_store_leading{work="projection"}': 1,
      'artifact_store_projection_stopped{kind="poison-event"}': 0,
      'artifact_store_projection_stopped{kind="backend-unavailable"}': 0,
    })
    expect(await (await fetch(`${projector.url}/v1/state-digest`)).json()).toEqual(await stateDigest(database.pool))

    // And how far behind, while it cannot move. Behind is not broken.
    const blocker = await database.pool.connect()
    await blocker.query('begin; lock table views.checkpoints in share row exclusive mode')
    await appendBurst(database.poolFor('log_writer'), history.slice(400))
    expect(await positionOf(projector)).toMatchObject({ position: 400, head: 450, lag: 50 })
    const behind = await metricsOf(projector)
    expect(behind).toMatchObject({ artifact_store_projection_lag_events: 50 })
    expect(behind['artifact_store_projection_lag_seconds']).toBeGreaterThan(0)
    expect(await readinessOf(projector)).toMatchObject({ http: 200 })
    await blocker.query('rollback')
    blocker.release()
    await untilAt(projector, 450)
    const { artifact_store_projection_batch_size_sum: events, artifact_store_projection_batch_duration_seconds_count: batches } =
      await metricsOf(projector)
    expect(events).toBe(450)
    expect(batches).toBeGreaterThanOrEqual(450 / 20)
    expect(await projector.stop()).toBe(0)
    await expectFreshReplayEqual(database.pool)
  })

  it('loses nothing and doubles nothing when it is killed or stopped in the middle of a burst', async () => {
    await using database = await createTestDatabase()
    const history = randomHistory({ seed: 4, length: 1800 })
    const burst = appendBurst(database.poolFor('log_writer'), history)
    const past = (projector: ServiceUnderTest, position: number) =>
      expect.poll(async () => (await positionOf(projector)).position, { timeout: 20_000, interval: 10 }).toBeGreaterThan(position)
    {
      await using projector = await startProjector(database.urlFor('projector'))
      await past(projector, 200)
      await projector.kill()
    }
    {
      await using projector = await startProjector(database.urlFor('projector'))
      await past(projector, 400)
      expect(await projector.stop()).toBe(0)
    }
    await burst
    await using projector = await startProjector(database.urlFor('projector'))
    await untilAt(projector, history.length)
    await projector.stop()
    expect(await expectFreshReplayEqual(database.pool)).toMatchObject({ position: history.length })
  })

  it('may run twice: each event is applied once, and either takes over from the other', async () => {
    await using database = await createTestDatabase()
    await recordCheckpoints(database.pool)
    const history = randomHistory({ seed: 5, length: 900 })
    await using one = await startProjector(database.urlFor('projector'))
    await using other = await startProjector(database.urlFor('projector'))
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 700), 5)
    await Promise.all([untilAt(one, 700), untilAt(other, 700)])
    await one.kill()
    await appendBurst(database.poolFor('log_writer'), history.slice(700))
    await untilAt(other, history.length)
    expect(await readinessOf(other)).toMatchObject({ http: 200 })
    await other.stop()

    await expectEachAppliedOnce(database.pool)
    await expectFreshReplayEqual(database.pool)
  })
})

describe('views that were made from another log', () => {
  it('are told as such, with both positions', async () => {
    await using database = await createTestDatabase()
    await database.pool.query(`insert into views.checkpoints values ('registry', 70)`)
    await appendBurst(database.poolFor('log_writer'), randomHistory({ seed: 6, length: 30 }))
    await using projector = await startProjector(database.urlFor('projector'), {}, 'listening')
    await untilReadiness(projector, {
      http: 503,
      checks: { projection: { ok: false, detail: expect.stringMatching(/views are at 70 but the log only at 30/) } },
    })
  })
})
