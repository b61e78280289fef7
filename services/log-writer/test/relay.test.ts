import { defaultStreamName, openPostgresLog, postgresLogReader } from '@artifact-store/log'
import {
  createTestDatabase,
  randomHistory,
  type ServiceUnderTest,
  startTestNats,
  type TestDatabase,
} from '@artifact-store/testkit'
import { connect, type NatsConnection } from 'nats'
import { describe, expect, it } from 'vitest'
import { append, appends, post, startLogWriter, unknownEvent } from './test-log-writer.ts'

const history = randomHistory({ seed: 41, length: 300 })

describe('the relay', () => {
  it('puts every event into the stream under its own number, with what the log says of it', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    await using service = await startLogWriter(database.urlFor('log_writer'), { NATS_URL: nats.url })
    await post(service, { appends: [append(history.slice(0, 100)), append(history.slice(100))] })
    await untilRelay(service, { ok: true, detail: 'relaying: stream at 300, log at 300' })
    await expectSameNumbers(database, nats.url)
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    expect(metrics).toMatch(/^artifact_store_relay_lag_events 0$/m)
    expect(metrics).toMatch(/^artifact_store_relay_lag_seconds 0$/m)
    expect(metrics).toMatch(/^artifact_store_relay_publish_batch_size_sum 300$/m)
    expect(metrics).toMatch(/^artifact_store_relay_publish_duration_seconds_count [1-9]\d*$/m)
    expect(metrics).toMatch(/^artifact_store_leading\{work="relay"\} 1$/m)
    expect(metrics).toMatch(/^artifact_store_relay_state\{state="relaying"\} 1$/m)
    expect(metrics).toMatch(/^artifact_store_relay_state\{state="forked"\} 0$/m)
    expect(await service.stop()).toBe(0)
  })

  it('relays what others have written to the log', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    await using service = await startLogWriter(database.urlFor('log_writer'), { NATS_URL: nats.url })
    const other = openPostgresLog(database.poolFor('log_writer'))
    await other.append({ key: 'from elsewhere', conditions: [], events: [unknownEvent()] })
    await untilRelay(service, { detail: 'relaying: stream at 1, log at 1' })
  })

  it('does without a broker until one is there, and fills a stream that was lost anew', async () => {
    await using database = await createTestDatabase()
    const gone = await startTestNats()
    await gone.kill()
    await using service = await startLogWriter(database.urlFor('log_writer'), { NATS_URL: gone.url })
    await post(service, appends(...history.slice(0, 50)))
    // One that stands by still knows of no lag, and it may be about to lead.
    const metrics = async () => (await fetch(`${service.url}/metrics`)).text()
    await expect.poll(metrics).toMatch(/^artifact_store_relay_lag_events 50$/m)
    // The oldest of them was appended before now.
    expect(Number(/^artifact_store_relay_lag_seconds (\S+)$/m.exec(await metrics())?.[1])).toBeGreaterThan(0)
    const first = await startTestNats({ insteadOf: gone })
    await untilRelay(service, { ok: true, detail: 'relaying: stream at 50, log at 50' })
    await expectSameNumbers(database, first.url)

    await first.kill()
    await post(service, appends(...history.slice(50, 80)))
    await untilRelay(service, { ok: true, detail: expect.stringMatching(/^disconnected/) })
    await using second = await startTestNats({ insteadOf: gone })
    await untilRelay(service, { ok: true, detail: 'relaying: stream at 80, log at 80' })
    await expectSameNumbers(database, second.url)
    expect(await service.stop()).toBe(0)
  })

  it('stops at a fork, and says so in red with both numbers, while the log is written as before', async () => {
    await using nats = await startTestNats()
    await using long = await createTestDatabase()
    {
      await using service = await startLogWriter(long.urlFor('log_writer'), { NATS_URL: nats.url })
      await post(service, appends(...history.slice(0, 10)))
      await untilRelay(service, { detail: 'relaying: stream at 10, log at 10' })
    }
    await using short = await createTestDatabase()
    await openPostgresLog(short.poolFor('log_writer')).append({
      key: 'two',
      conditions: [],
      events: [unknownEvent(), unknownEvent()],
    })
    await using service = await startLogWriter(short.urlFor('log_writer'), { NATS_URL: nats.url }, 'listening')
    const both = expect.stringMatching(/is at 10 but the log only at 2\b/)
    await expect
      .poll(() => readiness(service), { timeout: 20_000 })
      .toMatchObject({ http: 503, checks: { postgres: { ok: true }, relay: { ok: false, detail: both } } })
    expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(/^artifact_store_relay_state\{state="forked"\} 1$/m)
    expect((await post(service, appends(unknownEvent()))).body.results).toMatchObject([{ outcome: 'appended', firstSequence: 3 }])
    await using connection = await connectTo(nats.url)
    expect((await (await connection.nats.jetstreamManager()).streams.info(defaultStreamName)).state.last_seq).toBe(10)
  })

  it('says that it has stopped when the broker refuses its login, while the log is written as before', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    const url = new URL(nats.url)
    url.password = 'wrong'
    await using service = await startLogWriter(database.urlFor('log_writer'), { NATS_URL: url.href })
    await untilRelay(service, { ok: true, detail: expect.stringMatching(/^disconnected: the relay has stopped/) })
    expect((await post(service, appends(unknownEvent()))).status).toBe(200)
    expect(await service.stop()).toBe(0)
  })
})

describe('several log-writers', () => {
  it('have one that relays what all of them append, and another takes over when it is killed', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    const start = () => startLogWriter(database.urlFor('log_writer'), { NATS_URL: nats.url })
    await using first = await start()
    await untilRelay(first, { ok: true, detail: 'relaying: stream at 0, log at 0' })
    await using second = await start()
    await untilRelay(second, { ok: true, detail: expect.stringMatching(/^standby/) })
    expect((await readiness(second)).http).toBe(200)
    const metrics = await (await fetch(`${second.url}/metrics`)).text()
    expect(metrics).toMatch(/^artifact_store_relay_state\{state="standby"\} 1$/m)
    expect(metrics).toMatch(/^artifact_store_leading\{work="relay"\} 0$/m)
    expect(metrics).toMatch(/^artifact_store_relay_lag_events Nan$/m)

    await post(second, appends(...history.slice(0, 60)))
    await post(first, appends(...history.slice(60, 100)))
    await untilRelay(first, { detail: 'relaying: stream at 100, log at 100' })

    const lost = post(first, appends(...history.slice(100, 200))).catch(() => undefined)
    await first.kill()
    await lost
    await post(second, appends(...history.slice(200)))
    const head = await postgresLogReader(database.pool).head()
    await untilRelay(second, { detail: `relaying: stream at ${head}, log at ${head}` })
    await expectSameNumbers(database, nats.url)
  })
})

async function readiness(service: ServiceUnderTest) {
  const response = await fetch(`${service.url}/health/ready`)
  const body = (await response.json()) as { status: string; checks: Record<string, { ok: boolean; detail?: string }> }
  return { http: response.status, ...body }
}

async function untilRelay(service: ServiceUnderTest, expected: object): Promise<void> {
  await expect.poll(async () => (await readiness(service)).checks['relay'], { timeout: 20_000 }).toMatchObject(expected)
}

/** The stream holds the log's events, each under its sequence, and nothing else. */
async function expectSameNumbers(database: TestDatabase, url: string): Promise<void> {
  await using connection = await connectTo(url)
  const manager = await connection.nats.jetstreamManager()
  const events = await postgresLogReader(database.pool).fetchSince(0, 10_000)
  const { state } = await manager.streams.info(defaultStreamName)
  expect(state).toMatchObject({ first_seq: 1, last_seq: events.length, messages: events.length })
  for (const event of events) {
    const message = await manager.streams.getMessage(defaultStreamName, { seq: event.sequence })
    expect(message.header.get('ce-id')).toBe(String(event.sequence))
    expect(message.header.get('ce-type')).toBe(event.eventType)
    expect(message.string()).toBe(event.payloadJson)
  }
}

async function connectTo(url: string): Promise<AsyncDisposable & { readonly nats: NatsConnection }> {
  const { host, username, password } = new URL(url)
  const nats = await connect({ servers: host, user: username, pass: password })
  return { nats, [Symbol.asyncDispose]: () => nats.close() }
}
