import { eventSelector, type NewEvent, parseEventSelection } from '@artifact-store/core'
import { defaultStreamName, eventSource, toCloudEvent } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import { expect, it } from 'vitest'
import type { EventFilter } from '../src/index.ts'
import { type Recorder, record } from './recorder.ts'
import { head, type StoreWithNats, startStoreWithNats, wholeLog } from './store-with-nats.ts'

/** Appends without a pause until told to stop, so that every fault and every change of source falls between two events. */
function appendWithoutPause(store: StoreWithNats): { stop(): Promise<void> } {
  let seed = 100
  let stopped = false
  const appending = (async () => {
    while (!stopped) await store.append(...unsealed(randomHistory({ seed: seed++, length: 25 })))
  })()
  return {
    async stop() {
      stopped = true
      await appending
    },
  }
}

/** A history in pieces may seal a package before all of it has happened. */
function unsealed(history: readonly NewEvent[]): NewEvent[] {
  return history.filter(({ eventType }) => !/\.(finalized|discarded)$/.test(eventType))
}

const filters: readonly EventFilter[] = [
  {},
  { type: 'v1.package.*' },
  { type: ['v1.blob.stored', 'v1.hold.*'], subject: 'blob' },
  { subject: 'package' },
]

it('gives each event once and in order, while the broker, its stream and the gateway are lost and come back under full load', {
  timeout: 180_000,
}, async () => {
  await using store = await startStoreWithNats({ maxPayload: 128 * 1024 })
  for (let seed = 1; seed <= 10; seed++) await store.append(...unsealed(randomHistory({ seed, length: 200 })))
  const appending = appendWithoutPause(store)
  using client = store.client()
  await using stack = new AsyncDisposableStack()
  const recorders = filters.map(filter =>
    stack.use(record(onSource => client.events.subscribe({ ...filter, nats: { url: store.natsUrl, quietMs: 1000 }, onSource }))),
  )
  const all = (work: (recorder: Recorder) => Promise<unknown>) => Promise.all(recorders.map(work))
  const eachMoves = () => all(async recorder => recorder.upTo((await head(store)) + 1))
  /** Everyone is on NATS again, after they had left it. */
  const backOnNats = () => all(async recorder => recorder.source('nats', (await lastGateway(recorder)) + 1))

  await all(recorder => recorder.source('nats'))
  await eachMoves()

  // The broker, as a power cut would end it; it comes back with what it had.
  let seen = recorders.map(({ notices }) => notices.length)
  await store.killNats()
  await Promise.all(recorders.map((recorder, i) => recorder.source('gateway', seen[i])))
  await eachMoves()
  await store.startNats()
  await backOnNats()
  await eachMoves()

  // The gateway: what comes over NATS goes on coming.
  await store.killGateway()
  await eachMoves()
  await store.startGateway()

  // The stream, which the relay makes anew.
  seen = recorders.map(({ notices }) => notices.length)
  await store.askNats(manager => manager.streams.delete(defaultStreamName))
  await Promise.all(recorders.map((recorder, i) => recorder.source('gateway', seen[i])))
  await backOnNats()
  await eachMoves()

  // Both at once.
  await Promise.all([store.killNats(), store.killGateway()])
  await Promise.all([store.startNats(), store.startGateway()])
  await backOnNats()
  await eachMoves()

  await appending.stop()
  const log = await wholeLog(store)
  const end = log.length
  for (const [i, recorder] of recorders.entries()) {
    const { type, subject } = filters[i] ?? {}
    const selection = parseEventSelection({ types: type === undefined ? undefined : [type].flat(), subject })
    const expected = log.filter(eventSelector(selection)).map(event => toCloudEvent(event, eventSource))
    expect(expected.length).toBeGreaterThan(0)
    const events = await recorder.upTo(end)
    expect(events.map(event => event.sequence)).toEqual(expected.map(event => event.sequence))
    expect(events).toEqual(expected)
  }
})

async function lastGateway({ notices }: Recorder): Promise<number> {
  return notices.findLastIndex(({ source }) => source === 'gateway')
}
