import { defaultStreamName, type EventStream, openJetStream } from '@artifact-store/log'
import type { PurgeOpts } from 'nats'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { at, expectSameNumbers, openLog, operate, startRelay, type TestLog, untilWhole } from './relay-world.ts'
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

const incarnation = () => operate(broker, async manager => (await manager.streams.info(defaultStreamName)).created)

describe('a stream that is there', () => {
  it('gets every event under its own number', async () => {
    await log.grow(1500)
    await using relay = startRelay(broker, log)
    await relay.until(at(1500))
    await expectSameNumbers(broker, log)
    expect(relay.status).toMatchObject({ state: 'relaying', streamSequence: 1500, logSequence: 1500 })
  })

  it('gets events as they are appended', async () => {
    await using relay = startRelay(broker, log)
    for (let n = 1; n <= 30; n++) {
      await log.grow(1)
      await relay.until(at(n))
    }
    await expectSameNumbers(broker, log)
  })

  it('gets what was appended while no relay ran, and keeps what it had', async () => {
    await log.grow(20)
    await during(startRelay(broker, log), relay => relay.until(at(20)))
    const before = await incarnation()
    await log.grow(700)
    await using relay = startRelay(broker, log)
    await relay.until(at(720))
    await expectSameNumbers(broker, log)
    expect(await incarnation()).toEqual(before)
  })

  it('is found to be as long as the log without a bell', async () => {
    const { bell: _, ...unheard } = log
    await using relay = startRelay(broker, unheard, { pollMs: 20 })
    await relay.until(at(0))
    await log.grow(3)
    await relay.until(at(3))
  })
})

describe('a stream that lost something', () => {
  it('is refilled with the same numbers when it was removed while the relay ran', async () => {
    await log.grow(600)
    await using relay = startRelay(broker, log)
    await relay.until(at(600))
    await operate(broker, manager => manager.streams.delete(defaultStreamName))
    await log.grow(50)
    await relay.until(at(650))
    await expectSameNumbers(broker, log)
  })

  it.each<[string, PurgeOpts]>([
    ['everything was purged', { filter: '>' }],
    ['its beginning was purged', { seq: 40 }],
    ['one subject was purged from the middle', { filter: 'artifact-store.events.note.written.purged' }],
  ])('is refilled with the same numbers when %s', async (_, purge) => {
    await log.grow(100, index => (index === 50 ? { subjectId: 'purged' } : {}))
    await using relay = startRelay(broker, log)
    await relay.until(at(100))
    const before = await incarnation()
    await operate(broker, manager => manager.streams.purge(defaultStreamName, purge))
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
    expect(await incarnation()).not.toEqual(before)
    await relay.until(at(100))
  })

  it('is refilled with the same numbers when the server lost its files', async () => {
    await log.grow(300)
    await using relay = startRelay(broker, log)
    await relay.until(at(300))
    await broker.kill()
    await relay.until(status => status.state === 'disconnected')
    await broker.loseFiles()
    await log.grow(20)
    await broker.start()
    await relay.until(at(320))
    await expectSameNumbers(broker, log)
  })

  it('gets its last messages again when a crash of the server lost them', async () => {
    await log.grow(200)
    await using relay = startRelay(broker, log)
    await relay.until(at(200))
    await broker.kill()
    await broker.saveFiles()
    await broker.start()
    const before = await incarnation()
    await log.grow(150)
    await relay.until(at(350))
    await broker.kill()
    await broker.restoreFiles()
    await broker.start()
    await log.grow(1)
    await relay.until(at(351))
    await expectSameNumbers(broker, log)
    expect(await incarnation()).toEqual(before)
  })

  it('is refilled from where its limit begins, and is not taken for lost when the limit has cut it', async () => {
    await log.grow(100)
    const jetStream = { limits: { maxMessages: 30 } }
    await using relay = startRelay(broker, log, { jetStream })
    await relay.until(at(100))
    const before = await incarnation()
    const state = () => operate(broker, async manager => (await manager.streams.info(defaultStreamName)).state)
    expect(await state()).toMatchObject({ first_seq: 71, last_seq: 100, messages: 30 })
    await log.grow(10)
    await relay.until(at(110))
    expect(await state()).toMatchObject({ first_seq: 81, last_seq: 110, messages: 30 })
    expect(await incarnation()).toEqual(before)
  })

  it('is refilled as it was made, whatever limit the relay would give a new one', async () => {
    await log.grow(60)
    await during(startRelay(broker, log), relay => relay.until(at(60)))
    await operate(broker, manager => manager.streams.purge(defaultStreamName, { seq: 20 }))
    await using relay = startRelay(broker, log, { jetStream: { limits: { maxMessages: 30 } } })
    await relay.until(at(60))
    await untilWhole(broker, log)
    await expectSameNumbers(broker, log)
  })
})

describe('a log that comes and goes', () => {
  it('is read on when the database is back', async () => {
    await log.grow(10)
    await using relay = startRelay(broker, log, { pollMs: 20 })
    await relay.until(at(10))
    await log.shutOut(true)
    const { message } = await relay.until(({ state }) => state === 'disconnected')
    expect(message).toContain('the log cannot be read')
    await log.shutOut(false)
    await log.grow(10)
    await relay.until(at(20))
    await expectSameNumbers(broker, log)
  })
})

describe('a broker that comes and goes', () => {
  it('is waited for when it is not there at the start', async () => {
    await broker.kill()
    await log.grow(10)
    await using relay = startRelay(broker, log)
    expect(await relay.until(status => status.state !== 'starting')).toMatchObject({
      state: 'disconnected',
      message: expect.stringContaining('no NATS server answers'),
    })
    await broker.start()
    await relay.until(at(10))
    await expectSameNumbers(broker, log)
  })

  it('gets the rest after it was killed in the middle', async () => {
    await log.grow(5000)
    await using relay = startRelay(broker, log, { batchSize: 64 })
    for (const part of [500, 2000, 4000]) {
      await relay.until(status => status.streamSequence >= part)
      await broker.kill()
      await relay.until(status => status.state === 'disconnected')
      await broker.start()
    }
    await relay.until(at(5000))
    await expectSameNumbers(broker, log)
  })

  it('is told apart from one that is there but takes nothing, and goes on when it does', async () => {
    await using relay = startRelay(broker, log)
    await relay.until(at(0))
    await operate(broker, manager => manager.streams.update(defaultStreamName, { max_msgs: 5, discard: 'new' as never }))
    await log.grow(8)
    const status = await relay.until(({ state }) => state === 'disconnected')
    expect(status).toMatchObject({ streamSequence: 5, message: expect.stringContaining('event 6: maximum messages exceeded') })
    await operate(broker, manager => manager.streams.update(defaultStreamName, { max_msgs: -1 }))
    await relay.until(at(8))
    await expectSameNumbers(broker, log)
  })

  it.each([
    { of: 'small events', window: 100, events: 3000, bytes: 0, leastEvents: 40, mostEvents: 120, mostBytes: 1_000_000 },
    { of: 'large events', window: 2048, events: 60, bytes: 600_000, leastEvents: 1, mostEvents: 60, mostBytes: 21_000_000 },
  ])('is not given more $of than the window while it takes no step, and goes on when it does', async limits => {
    const waiting = { events: 0, bytes: 0 }
    const most = { events: 0, bytes: 0 }
    const through = (stream: EventStream): EventStream => ({
      ...stream,
      async publish(events, signal) {
        const bytes = events.reduce((sum, event) => sum + event.payloadJson.length, 0)
        waiting.events += events.length
        waiting.bytes += bytes
        most.events = Math.max(most.events, waiting.events)
        most.bytes = Math.max(most.bytes, waiting.bytes)
        try {
          return await stream.publish(events, signal)
        } finally {
          waiting.events -= events.length
          waiting.bytes -= bytes
        }
      },
    })
    await using relay = startRelay(broker, log, { through, batchSize: 20, window: limits.window })
    await log.grow(200)
    await relay.until(at(200))
    Object.assign(most, { events: 0, bytes: 0 })
    broker.freeze(true)
    await log.grow(limits.events, () => ({ text: 'x'.repeat(limits.bytes) }))
    await relay.until(({ state }) => state === 'disconnected')
    broker.freeze(false)
    await relay.until(at(200 + limits.events))
    await expectSameNumbers(broker, log)
    // The last batch is given while there is room.
    expect(most.events).toBeLessThanOrEqual(limits.mostEvents)
    expect(most.bytes).toBeLessThan(limits.mostBytes)
    // How far the window is filled when the silence is noticed hangs on the machine; that several batches are under way does not.
    expect(most.events).toBeGreaterThanOrEqual(limits.leastEvents)
  })

  it('has its stream left alone when that was made for something else', async () => {
    await operate(broker, manager => manager.streams.add({ name: defaultStreamName, subjects: ['orders.>'] }))
    await using relay = startRelay(broker, log)
    const { message } = await relay.until(({ state }) => state === 'disconnected')
    expect(message).toContain('was made for something else (subjects orders.>')
  })

  it('does not hold up a relay that is told to stop', async () => {
    await log.grow(10)
    await during(startRelay(broker, log), relay => relay.until(at(10)))
    await broker.kill()
    await during(startRelay(broker, log), relay => relay.until(({ state }) => state === 'disconnected'))
  })
})

describe('several relays', () => {
  it('publish every number once between them while the log grows', async () => {
    await using first = startRelay(broker, log, { batchSize: 16 })
    await using second = startRelay(broker, log, { batchSize: 16 })
    for (let round = 0; round < 20; round++) await log.grow(100)
    await first.until(at(2000))
    await second.until(at(2000))
    await expectSameNumbers(broker, log)
  })

  it('refill a removed stream without undoing each other', async () => {
    await log.grow(1000)
    await using first = startRelay(broker, log, { batchSize: 50 })
    await using second = startRelay(broker, log, { batchSize: 50 })
    await first.until(at(1000))
    await second.until(at(1000))
    for (let round = 0; round < 5; round++) {
      await operate(broker, manager => manager.streams.purge(defaultStreamName, { seq: 500 }))
      await log.grow(10)
      await untilWhole(broker, log)
    }
    await expectSameNumbers(broker, log)
  })

  it('leave a stream alone that another one made anew meanwhile', async () => {
    await using stream = openJetStream({ url: broker.url, source: '/artifact-store' })
    await stream.replace(undefined, 1)
    const seen = await stream.look()
    await stream.replace(seen, 1)
    const made = await incarnation()
    await stream.replace(seen, 1)
    await stream.replace(undefined, 1)
    await stream.replace(undefined, 7)
    expect(await incarnation()).toEqual(made)
  })

  it('take over from one that stopped', async () => {
    const first = startRelay(broker, log)
    await using second = startRelay(broker, log)
    await log.grow(100)
    await first[Symbol.asyncDispose]()
    await log.grow(100)
    await second.until(at(200))
    await expectSameNumbers(broker, log)
  })
})

describe('a stream that contradicts the log', () => {
  it('that is ahead of it stops the publishing, names both numbers, and is refilled once it was removed', async () => {
    await log.grow(120)
    await during(startRelay(broker, log), relay => relay.until(at(120)))
    const before = await incarnation()
    await using restored = await openLog()
    await restored.grow(100)
    await using relay = startRelay(broker, restored)
    const status = await relay.until(({ state }) => state === 'forked')
    expect(status).toMatchObject({ streamSequence: 120, logSequence: 100 })
    expect(status.message).toMatch(/is at 120 but the log only at 100.*nats stream rm ARTIFACT_STORE_EVENTS/)
    await restored.grow(10)
    await relay.until(({ logSequence }) => logSequence === 110)
    expect(relay.status.state).toBe('forked')
    await expectSameNumbers(broker, log)
    expect(await incarnation()).toEqual(before)
    await operate(broker, manager => manager.streams.delete(defaultStreamName))
    await relay.until(at(110))
    await expectSameNumbers(broker, restored)
  })

  it.each([
    ['as long as the log', 50],
    ['shorter than the log', 80],
  ])('with another event under its last number stops the publishing though it is %s', async (_, length) => {
    await log.grow(50)
    await during(startRelay(broker, log), relay => relay.until(at(50)))
    await using other = await openLog()
    await other.grow(length)
    await using relay = startRelay(broker, other)
    const status = await relay.until(({ state }) => state === 'forked')
    expect(status).toMatchObject({ streamSequence: 50, logSequence: length })
    expect(status.message).toContain('hold different events under number 50')
    await expectSameNumbers(broker, log)
  })

  it('is never removed by the relay, even when something is missing in it', async () => {
    await log.grow(50)
    await during(startRelay(broker, log), relay => relay.until(at(50)))
    await operate(broker, manager => manager.streams.purge(defaultStreamName, { seq: 20 }))
    const before = await incarnation()
    await using other = await openLog()
    await other.grow(30)
    await using relay = startRelay(broker, other)
    await relay.until(({ state }) => state === 'forked')
    expect(await incarnation()).toEqual(before)
  })
})

async function during<T extends AsyncDisposable>(resource: T, use: (resource: T) => Promise<unknown>): Promise<void> {
  await using owned = resource
  await use(owned)
}
