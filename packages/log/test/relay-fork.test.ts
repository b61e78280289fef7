import { defaultStreamName, type EventStream, openJetStream } from '@artifact-store/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { at, eventsOf, expectSameNumbers, openLog, operate, startRelay, type TestLog } from './relay-world.ts'
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

const openStream = () => openJetStream({ url: broker.url, source: '/artifact-store' })

/** Publishes these events whatever is before them. */
async function force(stream: EventStream, part: TestLog, after: number, to: number): Promise<void> {
  expect(await stream.publish(await eventsOf(part, after, to))).toBe('accepted')
}

describe('the stream of a log of which a copy went its own way', () => {
  it('refuses a batch whose beginning came too late, and is gone on with by nobody when it took the end of it', async () => {
    await log.grow(10)
    await using copy = await log.branch()
    await Promise.all([log.grow(1), copy.grow(3)])
    await using stream = openStream()
    await stream.replace(undefined, 1)
    await force(stream, log, 0, 11)
    expect(await stream.publish(await eventsOf(copy, 10, 13))).toBe('refused')
    // The numbers were right: the copy's 12 and 13 now follow the log's 11.
    expect(await stream.look()).toMatchObject({ lastSequence: 13 })
    await using relay = startRelay(broker, copy)
    const { message } = await relay.until(({ state }) => state === 'forked')
    expect(message).toContain('hold different events under number 11')
  })

  it('is left alone by each of their relays that runs into the other', async () => {
    await log.grow(20)
    await using first = startRelay(broker, log, { batchSize: 7, window: 30 })
    await first.until(at(20))
    await using copy = await log.branch()
    await using second = startRelay(broker, copy, { batchSize: 7, window: 30 })
    await second.until(at(20))
    await Promise.all([log.grow(400), copy.grow(400)])
    const relays = [
      { relay: first, history: log },
      { relay: second, history: copy },
    ]
    await Promise.race(relays.map(({ relay }) => relay.until(({ state }) => state === 'forked')))
    for (const { relay, history } of relays) {
      const { state } = await relay.until(status => status.state === 'forked' || at(420)(status))
      // One may have had the stream to itself, and then it is all there.
      if (state === 'relaying') await expectSameNumbers(broker, history)
    }
  })

  it('is not gone on with when the log was exchanged for another one of the same length meanwhile', async () => {
    await log.grow(30)
    await using copy = await log.branch()
    await Promise.all([log.grow(10), copy.grow(10)])
    let now: TestLog = log
    const exchanged = {
      fetchSince: (after: number, limit: number) => now.fetchSince(after, limit),
      head: () => now.head(),
      bell: copy.bell,
    }
    // It has no other reason to look at the stream again.
    await using relay = startRelay(broker, exchanged, { lookEveryMs: 1_000_000 })
    await relay.until(at(40))
    now = copy
    await copy.grow(10)
    const { message } = await relay.until(({ state }) => state === 'forked')
    expect(message).toContain('hold different events under number 40')
    await expectSameNumbers(broker, log)
  })
})

describe('a stream with another history in its middle', () => {
  it.each([
    ['first', 0, 1],
    ['a few in the middle', 700, 705],
    ['one near the end', 1998, 1999],
  ])('stops the publishing though its last message is the log’s: %s', async (_, after, to) => {
    await log.grow(2000)
    await using other = await openLog()
    await other.grow(2000)
    await using stream = openStream()
    await stream.replace(undefined, 1)
    if (after > 0) await force(stream, log, 0, after)
    await force(stream, other, after, to)
    await force(stream, log, to, 2000)
    await using relay = startRelay(broker, log)
    const status = await relay.until(({ state }) => state === 'forked')
    expect(status).toMatchObject({ streamSequence: 2000, logSequence: 2000 })
    const named = Number(/different events under number (\d+)/.exec(status.message ?? '')?.[1])
    expect(named).toBeGreaterThan(after)
    expect(named).toBeLessThanOrEqual(to)
    expect(status.message).toContain('nats stream rm ARTIFACT_STORE_EVENTS')

    // It stays so until a person has chosen, and then goes on by itself.
    await log.grow(10)
    await relay.until(({ logSequence }) => logSequence === 2010)
    expect(relay.status.state).toBe('forked')
    await operate(broker, manager => manager.streams.delete(defaultStreamName))
    await relay.until(at(2010))
    await expectSameNumbers(broker, log)
  })

  it('is found while the log grows', async () => {
    await log.grow(300)
    await using other = await openLog()
    await other.grow(300)
    await using stream = openStream()
    await stream.replace(undefined, 1)
    await force(stream, log, 0, 100)
    await force(stream, other, 100, 110)
    await force(stream, log, 110, 300)
    await using relay = startRelay(broker, log)
    const found = new AbortController()
    const growing = (async () => {
      while (!found.signal.aborted) await log.grow(10)
    })()
    await relay.until(({ state }) => state === 'forked')
    found.abort()
    await growing
  })
})
