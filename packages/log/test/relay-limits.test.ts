import { defaultStreamName } from '@artifact-store/log'
import type { StreamConfig } from 'nats'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { at, consume, expectSameNumbers, openLog, operate, startRelay, type TestLog, untilWhole } from './relay-world.ts'
import { startBroker, type TestBroker } from './test-broker.ts'

let broker: TestBroker
let log: TestLog

beforeEach(async () => {
  ;[broker, log] = await Promise.all([startBroker(), openLog()])
})

afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  await log[Symbol.asyncDispose]()
})

const info = () => operate(broker, manager => manager.streams.info(defaultStreamName))
const state = async () => (await info()).state
const change = (config: Partial<StreamConfig>) => operate(broker, manager => manager.streams.update(defaultStreamName, config))

/** The stream holds the log's events from that number to its end, each under its own. */
async function expectFrom(first: number): Promise<void> {
  await using connection = await broker.connect()
  const events = await log.fetchSince(first - 1, 10_000)
  const messages = await consume(connection)
  expect(messages.map(m => [m.sequence, m.headers['ce-id'], m.body])).toEqual(
    events.map(e => [e.sequence, String(e.sequence), e.payloadJson]),
  )
}

describe('a stream that an operator has given a limit while the relay ran', () => {
  it('goes on as it is, without its beginning', async () => {
    await log.grow(100)
    await using relay = startRelay(broker, log)
    await relay.until(at(100))
    const { created } = await info()
    await change({ max_msgs: 40 })
    await log.grow(50)
    await relay.until(at(150))
    await expectFrom(111)
    expect((await info()).created).toEqual(created)
  })

  it('is made anew from where it began when something is missing in its middle', async () => {
    await log.grow(100, index => (index === 80 ? { subjectId: 'purged' } : {}))
    await using relay = startRelay(broker, log)
    await relay.until(at(100))
    await change({ max_msgs: 50 })
    await expect.poll(state).toMatchObject({ first_seq: 51 })
    await operate(broker, manager =>
      manager.streams.purge(defaultStreamName, { filter: 'artifact-store.events.note.written.purged' }),
    )
    await expect.poll(state, { timeout: 20_000 }).toMatchObject({ first_seq: 51, last_seq: 100, messages: 50 })
    await expectFrom(51)
    expect((await info()).config.max_msgs).toBe(50)
  })

  it('is refilled from the first event when the limit was taken away', async () => {
    await log.grow(100)
    await using relay = startRelay(broker, log)
    await relay.until(at(100))
    await change({ max_msgs: 10 })
    await expect.poll(state).toMatchObject({ messages: 10 })
    await change({ max_msgs: -1 })
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
  })

  it('may lack what its limit takes out of its middle', async () => {
    await log.grow(100, index => ({ subjectId: `subject-${index % 2}` }))
    await using relay = startRelay(broker, log)
    await relay.until(at(100))
    const { created } = await info()
    await change({ max_msgs_per_subject: 5 })
    await log.grow(30, index => ({ subjectId: `subject-${index % 2}` }))
    await relay.until(at(130))
    expect(await state()).toMatchObject({ messages: 10, last_seq: 130 })
    // Looked at and audited again, it is still the same.
    await log.grow(1)
    await relay.until(at(131))
    expect((await info()).created).toEqual(created)
  })

  it('goes on at its number when all of it has grown too old and the server was started again', async () => {
    await log.grow(20)
    await using relay = startRelay(broker, log)
    await relay.until(at(20))
    await change({ max_age: 200_000_000, duplicate_window: 200_000_000 })
    await expect.poll(state, { timeout: 10_000 }).toMatchObject({ messages: 0, last_seq: 20 })
    await broker.stop()
    await relay.until(status => status.state === 'disconnected')
    await broker.start()
    await change({ max_age: 0, max_msgs: 1000 })
    await log.grow(10)
    await relay.until(at(30))
    await expectFrom(21)
  })
})
