import { randomUUID } from 'node:crypto'
import { postgresLogReader } from '@artifact-store/log'
import {
  createTestDatabase,
  type ServiceUnderTest,
  startOwnPostgres,
  startTcpProxy,
  type TestDatabase,
} from '@artifact-store/testkit'
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { append, post, remoteLog, startLogWriter, unknownEvent } from './test-log-writer.ts'

describe('an append whose answer was lost', () => {
  it('is in the log once, though the log-writer was killed between the two and the append was sent again', async () => {
    await using database = await createTestDatabase()
    const url = new URL(database.urlFor('log_writer'))
    await using proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    await using first = await startLogWriter(url.href)
    const request = { appends: [append([unknownEvent({ n: 1 }), unknownEvent({ n: 2 })])] }

    proxy.holdAnswers()
    const lost = post(first, request).catch((error: unknown) => error)
    await untilHead(database, 2)
    await first.kill()
    expect(await lost).toBeInstanceOf(Error)

    await using second = await startLogWriter(database.urlFor('log_writer'))
    const answer = await post(second, request)
    expect(answer.body.results).toMatchObject([{ outcome: 'repeated', firstSequence: 1, lastSequence: 2 }])
    expect(await postgresLogReader(database.pool).head()).toBe(2)
  })

  it('may be unknown for a while: the connection to the database broke, and the same append tells what became of it', async () => {
    await using database = await createTestDatabase()
    const url = new URL(database.urlFor('log_writer'))
    await using proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    await using service = await startLogWriter(url.href)
    const request = { appends: [append([unknownEvent()])] }

    proxy.holdAnswers()
    const unknown = post(service, request)
    await untilHead(database, 1)
    await proxy[Symbol.asyncDispose]()
    const { status, headers, body } = await unknown
    expect(status).toBe(503)
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toMatchObject({ kind: 'log-unavailable', detail: expect.stringContaining('try again with the same key') })

    await using again = await startLogWriter(database.urlFor('log_writer'))
    expect((await post(again, request)).body.results).toMatchObject([{ outcome: 'repeated', firstSequence: 1 }])
  })
})

describe('a log-writer that is stopped in the middle of traffic', () => {
  it.each([
    ['cleanly: exit code 0', (service: ServiceUnderTest) => service.stop(), 0],
    ['with SIGKILL', (service: ServiceUnderTest) => service.kill(), undefined],
  ])('has every append in the log that it had answered, %s', async (_, end, code) => {
    await using database = await createTestDatabase()
    await using service = await startLogWriter(database.urlFor('log_writer'))
    const answered = new Map<string, number>()
    const enough = Promise.withResolvers<void>()
    const refusals: number[] = []
    const traffic = Array.from({ length: 8 }, async () => {
      for (;;) {
        const one = append([unknownEvent()])
        const answer = await post(service, { appends: [one] }).catch(() => undefined)
        if (answer?.status !== 200) {
          if (answer) refusals.push(answer.status)
          return
        }
        answered.set(one.key, Number(answer.body.results?.[0]?.['firstSequence']))
        if (answered.size > 200) enough.resolve()
      }
    })
    await enough.promise
    expect(await end(service)).toBe(code)
    await Promise.all(traffic)
    expect(refusals).toEqual([])

    const { rows } = await database.pool.query<{ key: string; first_sequence: string }>(
      'select append_key as key, sequence as first_sequence from log.events where append_key is not null',
    )
    const inLog = new Map(rows.map(row => [row.key, Number(row.first_sequence)]))
    for (const [key, sequence] of answered) {
      const { rows: digests } = await database.pool.query<{ key: string }>('select log.key_digest($1) as key', [key])
      expect(inLog.get(digests[0]?.key ?? '')).toBe(sequence)
    }
    // And what is in the log is whole, whether or not it was answered.
    expect((await postgresLogReader(database.pool).fetchSince(0, 10_000)).map(({ sequence }) => sequence)).toEqual(
      [...inLog.values()].toSorted((a, b) => a - b),
    )
  })

  it('answers an append that it has taken, though it was told to stop before the database did', async () => {
    await using database = await createTestDatabase()
    await using service = await startLogWriter(database.urlFor('log_writer'))
    const blocker = await database.pool.connect()
    await blocker.query('begin')
    await blocker.query('select pg_advisory_xact_lock(7021810146)')
    const taken = post(service, { appends: [append([unknownEvent()])] })
    const waiting = () =>
      database.pool.query(`select pid from pg_stat_activity where datname = $1 and wait_event = 'advisory'`, [database.name])
    await expect.poll(async () => (await waiting()).rowCount, { timeout: 10_000 }).toBe(1)
    const stopped = service.stop()
    await expect.poll(() => service.lines.some(line => line.includes('"msg":"stopping"')), { timeout: 10_000 }).toBe(true)
    await blocker.query('rollback')
    blocker.release()
    expect((await taken).body.results).toMatchObject([{ outcome: 'appended', firstSequence: 1 }])
    expect(await stopped).toBe(0)
  })
})

describe('a database that goes and comes back', () => {
  it('makes the log-writer unready meanwhile, and appends that are tried again go through', async () => {
    await using postgres = await startOwnPostgres()
    await using service = await startLogWriter(postgres.url('log_writer'))
    const log = remoteLog(service)
    const one = () => log.append({ key: randomUUID(), conditions: [], events: [unknownEvent()] })
    expect(await one()).toMatchObject({ outcome: 'appended', firstSequence: 1 })
    await postgres.kill()
    const tried = one()
    await expect.poll(() => health(service), { timeout: 10_000 }).toBe(503)
    expect(await post(service, { appends: [append([unknownEvent()])] })).toMatchObject({
      status: 503,
      body: { kind: 'log-unavailable' },
    })
    await postgres.start()
    expect(await tried).toMatchObject({ outcome: 'appended' })
    await expect.poll(() => health(service), { timeout: 10_000 }).toBe(200)
    const pool = new Pool({ connectionString: postgres.url() })
    expect(await postgresLogReader(pool).head()).toBe(2)
    await pool.end()
  })
})

describe('a database that no longer answers, and keeps the connection', () => {
  it('is given up after a while: the append is told to be unknown, the next one goes through, and stopping is not held up', async () => {
    await using database = await createTestDatabase()
    const url = new URL(database.urlFor('log_writer'))
    await using proxy = await startTcpProxy(Number(url.port))
    url.port = String(proxy.port)
    await using service = await startLogWriter(url.href, { LOG_WRITER_DATABASE_SECONDS: '1' })
    const request = { appends: [append([unknownEvent()])] }
    proxy.holdAnswers()
    expect(await post(service, request)).toMatchObject({ status: 503, body: { kind: 'log-unavailable' } })
    proxy.releaseAnswers()
    expect((await post(service, request)).body.results).toMatchObject([{ outcome: 'repeated', firstSequence: 1 }])
    proxy.holdAnswers()
    const unanswered = post(service, request).catch(() => undefined)
    expect(await service.stop()).toBe(0)
    await unanswered
  })
})

async function untilHead(database: TestDatabase, head: number): Promise<void> {
  await expect.poll(() => postgresLogReader(database.pool).head(), { timeout: 10_000 }).toBe(head)
}

async function health(service: ServiceUnderTest): Promise<number> {
  const response = await fetch(`${service.url}/health/ready`)
  await response.body?.cancel()
  return response.status
}
