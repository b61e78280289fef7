import { createTestDatabase, randomHistory, startOwnPostgres, startTestNats } from '@artifact-store/testkit'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { appendBurst, expectFreshReplayEqual, metricsOf, startProjector, untilAt, untilReadiness } from './test-projector.ts'

const history = randomHistory({ seed: 8, length: 900 })

describe('PostgreSQL', () => {
  it('may cut every connection, again and again: the projector goes on', async () => {
    await using database = await createTestDatabase()
    await using projector = await startProjector(database.urlFor('projector'))
    for (const part of [0, 1, 2]) {
      const burst = appendBurst(database.poolFor('log_writer'), history.slice(part * 300, part * 300 + 300))
      await database.pool.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and usename = 'projector'`,
        [database.name],
      )
      await burst
      await untilAt(projector, part * 300 + 300)
    }
    await untilReadiness(projector, { http: 200 })
    expect(await projector.stop()).toBe(0)
    await expectFreshReplayEqual(database.pool)
  })

  it('may come late, be killed and come back', async () => {
    await using postgres = await startOwnPostgres()
    await postgres.kill()
    await using projector = await startProjector(postgres.url('projector'), {}, 'listening')
    await untilReadiness(projector, { http: 503, status: 'starting' })
    await postgres.start()
    await untilReadiness(projector, { http: 200 })

    await appendWith(postgres.url('log_writer'), 0, 300)
    await untilAt(projector, 300)
    await postgres.kill()
    await untilReadiness(projector, { http: 503, status: 'unready' })
    expect(await metricsOf(projector)).toMatchObject({
      artifact_store_projection_position: 300,
      artifact_store_projection_lag_events: Number.NaN,
    })
    await postgres.start()
    // Ready again by itself, with nothing to apply, and then it goes on.
    await untilReadiness(projector, { http: 200, checks: { projection: { ok: true, detail: 'views at 300' } } })
    await appendWith(postgres.url('log_writer'), 300, 600)
    await untilAt(projector, 600)
    expect(await projector.stop()).toBe(0)
    const pool = new Pool({ connectionString: postgres.url() })
    await expectFreshReplayEqual(pool)
    await pool.end()
  })
})

describe('NATS', () => {
  it('may be absent: PostgreSQL wakes the projector', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    await nats.kill()
    await using projector = await startProjector(database.urlFor('projector'), { NATS_URL: nats.url })
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 100))
    await untilAt(projector, 100)
    expect(projector.lines.some(line => line.includes('NATS does not answer yet'))).toBe(true)
    expect(await projector.stop()).toBe(0)
  })

  it('may go while the projector runs', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    await using projector = await startProjector(database.urlFor('projector'), { NATS_URL: nats.url })
    await appendBurst(database.poolFor('log_writer'), history.slice(0, 100))
    await untilAt(projector, 100)
    await nats.kill()
    await appendBurst(database.poolFor('log_writer'), history.slice(100, 200))
    await untilAt(projector, 200)
    await untilReadiness(projector, { http: 200 })
    expect(await projector.stop()).toBe(0)
  })
})

async function appendWith(url: string, from: number, to: number): Promise<void> {
  const pool = new Pool({ connectionString: url })
  await appendBurst(pool, history.slice(from, to))
  await pool.end()
}
