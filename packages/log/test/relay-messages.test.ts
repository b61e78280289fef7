import { createBell, defaultStreamName, maxFetch, natsBell, openJetStream } from '@artifact-store/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, consume, openLog, operate, startRelay, type TestLog } from './relay-world.ts'
import { startBroker, type TestBroker } from './test-broker.ts'

const maxPayload = 64 * 1024
let broker: TestBroker
let log: TestLog

beforeAll(async () => {
  ;[broker, log] = await Promise.all([startBroker({ maxPayload }), openLog()])
  await log.grow(
    3,
    index => [{ subjectId: 'blake3:00ff', text: 'Zoë' }, { text: 'x'.repeat(maxPayload) }, { subjectId: 'plain' }][index] ?? {},
  )
  await using relay = startRelay(broker, log)
  await relay.until(at(3))
})

afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await log[Symbol.asyncDispose]()
})

describe('a message of the stream', () => {
  it('is a CloudEvent in binary mode for any consumer', async () => {
    await using connection = await broker.connect()
    const [message] = await consume(connection)
    const [event] = await log.fetchSince(0, 1)
    expect(message).toEqual({
      sequence: 1,
      subject: 'artifact-store.events.note.written.blake3=3A00ff',
      body: event?.payloadJson,
      headers: {
        'ce-specversion': '1.0',
        'ce-id': '1',
        'ce-source': '/artifact-store',
        'ce-type': 'v1.note.written',
        'ce-subject': 'note/blake3:00ff',
        'ce-time': event?.createdAt.toISOString(),
        'ce-datacontenttype': 'application/json',
        'ce-sequence': '1',
        'ce-subjectrevision': '1',
        'ce-actor': 'ci',
        'ce-payloaddigest': Buffer.from(event?.payloadDigest ?? []).toString('hex'),
        'Nats-Expected-Last-Sequence': '0',
      },
    })
  })

  it('refers to the gateway for a payload that the broker does not take', async () => {
    await using connection = await broker.connect()
    const message = (await consume(connection))[1]
    expect(message?.body).toBe('')
    expect(message?.headers).toMatchObject({ 'ce-id': '2', 'ce-dataref': '/v1/events?after=1&limit=1' })
  })

  it('carries its payload as long as it fits, to the byte', async () => {
    const largest = 8192
    await using own = await openLog()
    await using server = await startBroker({ maxPayload: largest })
    // One of each size around the largest: a few bytes vary with the sequence.
    await own.grow(600, index => ({ text: 'x'.repeat(largest - 900 + index) }))
    await using relay = startRelay(server, own)
    await relay.until(at(600))
    await using connection = await server.connect()
    const messages = await consume(connection)
    const events = await own.fetchSince(0, maxFetch)
    const sizes = messages.map(({ headers }, index) => {
      const { 'ce-dataref': _, ...carried } = headers
      return headerBytes(carried) + Buffer.byteLength(events[index]?.payloadJson ?? '')
    })
    expect(sizes).toContain(largest)
    expect(sizes).toContain(largest + 1)
    for (const [index, size] of sizes.entries()) {
      expect('ce-dataref' in (messages[index]?.headers ?? {})).toBe(size > largest)
      expect(messages[index]?.body).toBe(size > largest ? '' : events[index]?.payloadJson)
    }
  })

  it('that is too large even without its payload stops the relay with what to do, until that is done', async () => {
    await using own = await openLog()
    await using server = await startBroker()
    await using relay = startRelay(server, own)
    await relay.until(at(0))
    await operate(server, manager => manager.streams.update(defaultStreamName, { max_msg_size: 300 }))
    await own.grow(1)
    const { state, message } = await relay.until(status => status.message?.includes('even without its payload') === true)
    expect(state).toBe('disconnected')
    expect(message).toMatch(
      /event 1 makes a message of \d+ bytes even without its payload, and the event stream takes 300: raise/,
    )
    await operate(server, manager => manager.streams.update(defaultStreamName, { max_msg_size: -1 }))
    await relay.until(at(1))
  })

  it('is found by a filter on type or subject', async () => {
    await using connection = await broker.connect()
    const numbers = async (filter: string) => (await consume(connection, filter)).map(m => m.sequence)
    expect(await numbers('artifact-store.events.note.written.plain')).toEqual([3])
    expect(await numbers('artifact-store.events.note.*.blake3=3A00ff')).toEqual([1])
    expect(await numbers('artifact-store.events.note.>')).toEqual([1, 2, 3])
    expect(await numbers('artifact-store.events.package.>')).toEqual([])
  })

  it.each(['', 'with space', 'wild.*', 'line\r\nbreak', 'ä'])('is never written under the prefix %j', prefix => {
    const open = () => openJetStream({ url: broker.url, source: '/artifact-store', subjectPrefix: prefix })
    expect(open).toThrow(/cannot begin the subjects of NATS/)
  })

  it('is in a stream on disk that lets nobody delete single messages', async () => {
    const { config } = await operate(broker, manager => manager.streams.info(defaultStreamName))
    expect(config).toMatchObject({
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      deny_delete: true,
      allow_direct: true,
      num_replicas: 1,
    })
  })
})

/** As they are on the wire. */
function headerBytes(headers: Readonly<Record<string, string>>): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.byteLength(`NATS/1.0\r\n${lines.join('')}\r\n`)
}

describe('the bell that hangs on NATS', () => {
  it('rings when an event is published, until it is taken down', async () => {
    await using connection = await broker.connect()
    const bell = createBell()
    const hung = natsBell({ connection }, bell)
    await connection.flush()
    await using relay = startRelay(broker, log)
    await log.grow(1)
    while (bell.count === 0) await bell.wait(0, 1000)
    hung[Symbol.dispose]()
    await connection.flush()
    const heard = bell.count
    await log.grow(1)
    await relay.until(at(await log.head()))
    await connection.flush()
    expect(bell.count).toBe(heard)
  })

  it('rings when the connection is back', async () => {
    await using connection = await broker.connect()
    const bell = createBell()
    using _ = natsBell({ connection }, bell)
    await connection.flush()
    await broker.kill()
    await broker.start()
    while (bell.count === 0) await bell.wait(0, 1000)
    expect(bell.count).toBe(1)
  })
})
