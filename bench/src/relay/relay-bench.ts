import { setTimeout as sleep } from 'node:timers/promises'
import { defaultStreamName, openPostgresLog } from '@artifact-store/log'
import type { NatsConnection, StreamConfig } from 'nats'
import type { Bench, Measurement } from '../harness/bench.ts'
import { besideLongTransaction } from '../harness/beside-long-transaction.ts'
import { flushDisk } from '../harness/flush-disk.ts'
import { medianMeasurement, twoDigits } from '../harness/median.ts'
import { publishBare, readMessages, withWrittenHeaders } from './bare-publisher.ts'
import { fill } from './events.ts'
import { measureCommit, measureDelivery, measurePublish, oneByOne, steadily } from './latency.ts'
import { measureRefill } from './refill.ts'
import { openWorkplace } from './workplace.ts'

const cells = {
  relay: 'relay, refill',
  bare: 'bare publisher',
  bareWritten: 'bare publisher, headers written before',
  commitAlone: 'bare commit, one at a time',
  publishAlone: 'bare publish, one at a time',
  commit: 'bare commit at 1000 a second',
  publish: 'bare publish at 1000 a second',
  delivery: 'append to subscriber at 1000 a second',
  relayHeld: 'relay, refill, a transaction held open',
  deliveryHeld: 'append to subscriber at 1000 a second, a transaction held open',
} as const

/** What a measurement of one second publishes, more or less. */
const eventsInASecond = 25_000
const rate = 1000

/**
 * The rate at which the relay fills an empty stream, against a publisher that has the same messages in memory; and the time from an append to a
 * subscriber, against the sum of a commit and a publish. All on one PostgreSQL and one NATS server, in this one process.
 */
export const relayBench: Bench = async ({ rounds, seconds, say }) => {
  await using workplace = await openWorkplace()
  const { pool } = workplace
  const [publisher, subscriber] = [await workplace.connectNats(), await workplace.connectNats()]
  const count = eventsInASecond * seconds
  await fill(openPostgresLog(pool), count)

  await measureRefill(pool, publisher, count)
  const made = await readMessages(subscriber, count)
  const written = withWrittenHeaders(made)
  const { config } = await (await publisher.jetstreamManager()).streams.info(defaultStreamName)
  const settings = await bestSettings(publisher, config, written)
  say(`the bare publisher is fastest with ${settings.window} messages without an answer`)

  const refill = () => onNewStream(publisher, undefined, () => measureRefill(pool, publisher, count))
  const deliver = () => measureDelivery(workplace, publisher, subscriber, steadily(rate, seconds))
  const measures: Readonly<Record<string, () => Promise<Measurement>>> = {
    [cells.bare]: () => onNewStream(publisher, config, () => publishBare(publisher, made, settings)),
    [cells.bareWritten]: () => onNewStream(publisher, config, () => publishBare(publisher, written, settings)),
    [cells.relay]: refill,
    [cells.relayHeld]: () => besideLongTransaction(workplace.databaseUrl, refill),
    [cells.commitAlone]: () => measureCommit(workplace, oneByOne(seconds)),
    [cells.publishAlone]: () => measurePublish(publisher, subscriber, oneByOne(seconds)),
    [cells.commit]: () => measureCommit(workplace, steadily(rate, seconds)),
    [cells.publish]: () => measurePublish(publisher, subscriber, steadily(rate, seconds)),
    [cells.delivery]: deliver,
    [cells.deliveryHeld]: () => besideLongTransaction(workplace.databaseUrl, deliver),
  }
  const measured = new Map<string, Measurement[]>()
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, measure] of Object.entries(measures)) {
      const one = await measure()
      measured.set(name, [...(measured.get(name) ?? []), one])
      say(
        `round ${round}: ${name}: ${Math.round(one.eventsPerSecond)} events/s, p50 ${twoDigits(one.p50Ms)} ms, p99 ${twoDigits(one.p99Ms)} ms`,
      )
    }
  }
  const results = Object.fromEntries([...measured].map(([name, all]) => [name, medianMeasurement(all)]))
  return { rounds, results, ratios: ratiosOf(results) }
}

/** With a stream that is empty, or not there when none is described. */
async function onNewStream<T>(connection: NatsConnection, config: StreamConfig | undefined, work: () => Promise<T>): Promise<T> {
  const manager = await connection.jetstreamManager()
  await manager.streams.delete(defaultStreamName)
  await flushDisk()
  // The server still collects what the stream before has left in its memory.
  await sleep(1000)
  if (config) await manager.streams.add(config)
  return work()
}

async function bestSettings(connection: NatsConnection, config: StreamConfig, messages: Parameters<typeof publishBare>[1]) {
  let best = { window: 0, batch: 0 }
  let bestRate = 0
  for (const window of [512, 2048, 8192]) {
    const settings = { window, batch: window / 8 }
    const { eventsPerSecond } = await onNewStream(connection, config, () => publishBare(connection, messages, settings))
    if (eventsPerSecond > bestRate) [best, bestRate] = [settings, eventsPerSecond]
  }
  return best
}

function ratiosOf(results: Readonly<Record<string, Measurement>>): Record<string, number> {
  const of = (name: string, key: keyof Measurement) => results[name]?.[key] ?? Number.NaN
  const rateTo = (relay: string, publisher: string) => twoDigits(of(relay, 'eventsPerSecond') / of(publisher, 'eventsPerSecond'))
  const toSum = (delivery: string, commit: string, publish: string, key: keyof Measurement) =>
    twoDigits(of(delivery, key) / (of(commit, key) + of(publish, key)))
  const ratios: Record<string, number> = {
    'relay to bare publisher': rateTo(cells.relay, cells.bare),
    'relay to bare publisher, a transaction held open': rateTo(cells.relayHeld, cells.bare),
    'relay to bare publisher with headers written before': rateTo(cells.relay, cells.bareWritten),
  }
  for (const [percentile, key] of [
    ['p50', 'p50Ms'],
    ['p99', 'p99Ms'],
  ] as const) {
    const note = (what: string, delivery: string, commit: string, publish: string) => {
      ratios[`append to subscriber to commit and publish ${what}, ${percentile}`] = toSum(delivery, commit, publish, key)
    }
    note('at 1000 a second', cells.delivery, cells.commit, cells.publish)
    note('at 1000 a second, a transaction held open', cells.deliveryHeld, cells.commit, cells.publish)
    note('one at a time', cells.delivery, cells.commitAlone, cells.publishAlone)
  }
  return ratios
}
