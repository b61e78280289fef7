import {
  createTestDatabase,
  randomHistory,
  type ServiceUnderTest,
  startTcpProxy,
  type TestDatabase,
} from '@artifact-store/testkit'
import { expect, it } from 'vitest'
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

const history = randomHistory({ seed: 31, length: 1500 })

it('of two one projects and the other stands by, ready, until the first is killed', async () => {
  await using database = await createTestDatabase()
  await recordCheckpoints(database.pool)
  await using active = await startProjector(database.urlFor('projector'))
  await untilLeading(active)
  await using standby = await startProjector(database.urlFor('projector'))
  await appendBurst(database.poolFor('log_writer'), history.slice(0, 100))
  await untilAt(active, 100)
  await untilReadiness(standby, {
    http: 200,
    checks: { projection: { ok: true, detail: 'standby: another projector moves the views, which are at 100' } },
  })
  expect(await positionOf(standby)).toMatchObject({ position: 100, lag: 0 })
  expect(await metricsOf(standby)).toMatchObject({
    'artifact_store_leading{work="projection"}': 0,
    artifact_store_projection_position: 100,
    artifact_store_projection_lag_seconds: 0,
    artifact_store_projection_batch_size_count: 0,
  })

  const burst = appendBurst(database.poolFor('log_writer'), history.slice(100))
  await past(active, 300)
  await active.kill()
  await untilLeading(standby)
  await burst
  await untilAt(standby, history.length)
  expect(await readinessOf(standby)).toMatchObject({ http: 200 })
  expect(await standby.stop()).toBe(0)
  await expectEachAppliedOnce(database.pool)
  await expectFreshReplayEqual(database.pool)
})

it('either takes over when the connection that holds the lock is cut, again and again', async () => {
  await using database = await createTestDatabase()
  await recordCheckpoints(database.pool)
  await using one = await startProjector(database.urlFor('projector'))
  await using other = await startProjector(database.urlFor('projector'))
  for (const part of [0, 1, 2]) {
    const burst = appendBurst(database.poolFor('log_writer'), history.slice(part * 500, part * 500 + 500))
    await past(one, part * 500 + 100)
    await cutLock(database)
    await burst
    await Promise.all([untilAt(one, part * 500 + 500), untilAt(other, part * 500 + 500)])
  }
  for (const projector of [one, other]) expect(await readinessOf(projector)).toMatchObject({ http: 200 })
  for (const projector of [one, other]) expect(await projector.stop()).toBe(0)
  await expectEachAppliedOnce(database.pool)
  await expectFreshReplayEqual(database.pool)
})

it('the other takes over from one that the database does not hear any more, though its batch is under way', async () => {
  await using database = await createTestDatabase()
  await recordCheckpoints(database.pool)
  await using proxy = await startTcpProxy(Number(new URL(database.url).port))
  const throughProxy = new URL(database.urlFor('projector'))
  throughProxy.port = String(proxy.port)
  await using active = await startProjector(throughProxy.href)
  await untilLeading(active)
  await using standby = await startProjector(database.urlFor('projector'))

  const burst = appendBurst(database.poolFor('log_writer'), history)
  await past(standby, 200)
  proxy.holdAnswers()
  await burst
  await untilLeading(standby)
  await untilAt(standby, history.length)
  // What the first one does when it hears again harms nothing: it has been overtaken.
  proxy.releaseAnswers()
  await untilReadiness(active, { http: 200, checks: { projection: { ok: true, detail: expect.stringContaining('standby') } } })
  await untilAt(active, history.length)
  for (const projector of [active, standby]) expect(await projector.stop()).toBe(0)
  await expectEachAppliedOnce(database.pool)
  await expectFreshReplayEqual(database.pool)
}, 60_000)

async function untilLeading(projector: ServiceUnderTest): Promise<void> {
  await expect
    .poll(() => metricsOf(projector), { timeout: 30_000, interval: 50 })
    .toMatchObject({ 'artifact_store_leading{work="projection"}': 1 })
}

async function past(projector: ServiceUnderTest, position: number): Promise<void> {
  await expect
    .poll(async () => (await positionOf(projector)).position, { timeout: 20_000, interval: 10 })
    .toBeGreaterThan(position)
}

async function cutLock({ name, pool }: TestDatabase): Promise<void> {
  const { rowCount } = await pool.query(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l using (pid)
      where a.datname = $1 and a.application_name = 'artifact-store projection leadership' and l.locktype = 'advisory' and l.granted`,
    [name],
  )
  expect(rowCount).toBe(1)
}
