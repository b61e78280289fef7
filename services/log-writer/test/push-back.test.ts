import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { createTestDatabase, type ServiceUnderTest, type TestDatabase } from '@artifact-store/testkit'
import type { PoolClient } from 'pg'
import { expect, it } from 'vitest'
import { appends, post, remoteLog, startLogWriter, token, unknownEvent } from './test-log-writer.ts'

it('pushes back whole requests when too many appends wait, and takes them when they are sent again', async () => {
  await using database = await createTestDatabase()
  await using service = await startLogWriter(database.urlFor('log_writer'), { LOG_WRITER_MAX_WAITING: '4' })
  const blocker = await holdLogLock(database)

  // One is in flight and waits for the lock; two wait for it, with two more there is no room for three.
  const inFlight = post(service, appends(unknownEvent({ n: 1 })))
  await untilWaitingForLock(database)
  const waiting = post(service, appends(unknownEvent({ n: 2 }), unknownEvent({ n: 3 })))
  await untilWaiting(service, 2)
  const tooMany = appends(unknownEvent({ n: 4 }), unknownEvent({ n: 5 }), unknownEvent({ n: 6 }))
  const pushedBack = await post(service, tooMany)
  expect(pushedBack.status).toBe(503)
  expect(pushedBack.headers.get('retry-after')).toBe('1')
  expect(pushedBack.body).toMatchObject({ kind: 'overloaded', waiting: 2, maxWaiting: 4 })
  const fitting = post(service, appends(unknownEvent({ n: 7 }), unknownEvent({ n: 8 })))
  await untilWaiting(service, 4)
  expect(await post(service, appends(unknownEvent({ n: 9 })))).toMatchObject({ status: 503 })
  // Whoever appends through the remote log waits for its turn by itself.
  const patient = remoteLog(service).append({ key: randomUUID(), conditions: [], events: [unknownEvent({ n: 10 })] })

  await releaseLogLock(blocker)
  for (const answer of await Promise.all([inFlight, waiting, fitting])) expect(answer.status).toBe(200)
  expect(await patient).toMatchObject({ outcome: 'appended' })
  expect(await post(service, tooMany)).toMatchObject({
    status: 200,
    body: { results: [{ outcome: 'appended' }, { outcome: 'appended' }, { outcome: 'appended' }] },
  })
  const { rows } = await database.pool.query<{ n: number }>(
    `select (payload->>'n')::integer as n from log.readable_events order by sequence`,
  )
  expect(rows.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10])
})

it('pushes back by the bytes that wait, before it has read more of them', async () => {
  await using database = await createTestDatabase()
  await using service = await startLogWriter(database.urlFor('log_writer'), { LOG_WRITER_MAX_WAITING_BYTES: '10000' })
  const large = appends(unknownEvent({ text: 'x'.repeat(20_000) }))
  const blocker = await holdLogLock(database)
  // It alone is more than may wait, and is taken as nothing does.
  const inFlight = post(service, large)
  await untilWaitingForLock(database)
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting_bytes')).toBe(String(JSON.stringify(large).length))
  const pushedBack = await headOnly(service, 1)
  expect(pushedBack).toMatchObject({ status: 503, retryAfter: '1', connection: 'close' })
  expect(pushedBack.body).toMatchObject({ kind: 'overloaded', maxWaitingBytes: 10_000 })
  await releaseLogLock(blocker)
  expect(await inFlight).toMatchObject({ status: 200 })
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting_bytes')).toBe('0')
  expect(await post(service, large)).toMatchObject({ status: 200 })
  expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(
    /^artifact_store_append_requests_refused_total\{reason="overloaded"\} 1$/m,
  )
})

it('gives up the bytes of a request whose client leaves before it has sent them all', async () => {
  await using database = await createTestDatabase()
  await using service = await startLogWriter(database.urlFor('log_writer'))
  const asking = appendRequest(service, 5000)
  asking.on('error', () => undefined).write('{"appends":')
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting_bytes')).toBe('5000')
  asking.destroy()
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting_bytes')).toBe('0')
})

it('gives up a request of which nothing comes any more, though its client is there', async () => {
  await using database = await createTestDatabase()
  await using service = await startLogWriter(database.urlFor('log_writer'))
  const asking = appendRequest(service, 5000)
  asking.write('{"appends":')
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  expect(response).toMatchObject({ statusCode: 400, headers: { connection: 'close' } })
  expect(JSON.parse(await text(response))).toMatchObject({ kind: 'body-incomplete' })
  asking.on('error', () => undefined).destroy()
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting_bytes')).toBe('0')
})

it('takes a request that alone is more than may wait, when nothing does', async () => {
  await using database = await createTestDatabase()
  await using service = await startLogWriter(database.urlFor('log_writer'), {
    LOG_WRITER_MAX_WAITING: '3',
    LOG_WRITER_MAX_BATCH: '7',
  })
  const answer = await post(service, appends(...Array.from({ length: 1000 }, (_, n) => unknownEvent({ n }))))
  expect(answer.status).toBe(200)
  expect(answer.body.results).toHaveLength(1000)
  expect((await database.pool.query('select count(*)::integer as events from log.events')).rows).toEqual([{ events: 1000 }])
})

// The lock that every append takes, as a transaction of somebody else holds it.
async function holdLogLock(database: TestDatabase): Promise<PoolClient> {
  const blocker = await database.pool.connect()
  await blocker.query('begin')
  await blocker.query('select pg_advisory_xact_lock(7021810146)')
  return blocker
}

async function releaseLogLock(blocker: PoolClient): Promise<void> {
  await blocker.query('rollback')
  blocker.release()
}

async function untilWaitingForLock(database: TestDatabase): Promise<void> {
  const waits = async () =>
    (
      await database.pool.query(`select pid from pg_stat_activity where datname = $1 and wait_event = 'advisory'`, [
        database.name,
      ])
    ).rowCount
  await expect.poll(waits, { timeout: 10_000 }).toBe(1)
}

async function untilWaiting(service: ServiceUnderTest, count: number): Promise<void> {
  await expect.poll(() => gauge(service, 'artifact_store_append_waiting'), { timeout: 10_000 }).toBe(String(count))
}

async function gauge(service: ServiceUnderTest, name: string): Promise<string | undefined> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  return new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]
}

/** A request with a body of so many bytes, none of which is sent yet. */
function appendRequest(service: ServiceUnderTest, length: number): ClientRequest {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': length }
  return request(`${service.url}/v1/appends`, { method: 'POST', headers })
}

/** What a request is answered before any of its body is sent. */
async function headOnly(service: ServiceUnderTest, length: number) {
  const asking = appendRequest(service, length)
  asking.on('error', () => undefined).flushHeaders()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  const { statusCode: status, headers } = response
  const body: unknown = JSON.parse(await text(response))
  asking.destroy()
  return { status, retryAfter: headers['retry-after'], connection: headers.connection, body }
}
