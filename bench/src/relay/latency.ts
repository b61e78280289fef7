import { setTimeout as delay } from 'node:timers/promises'
import {
  createBell,
  defaultStreamName,
  eventSource,
  logChannel,
  openJetStream,
  openPostgresLog,
  postgresLogReader,
  runRelay,
} from '@artifact-store/log'
import { createLogger, listen } from '@artifact-store/service'
import type { JsMsg, NatsConnection } from 'nats'
import type { Measurement } from '../harness/bench.ts'
import { percentile } from '../harness/callers.ts'
import { appendOne, sampleEvent } from './events.ts'
import type { Workplace } from './workplace.ts'

/** How a measurement begins what it measures: one after the other, or so many a second. */
export type Pace = (once: (number: number) => Promise<unknown>) => Promise<Measurement>

/** Each begins when the one before it is done. */
export function oneByOne(seconds: number): Pace {
  return async once => {
    const latencies: number[] = []
    const end = performance.now() + seconds * 1000
    while (performance.now() < end) {
      const begun = performance.now()
      await once(latencies.length)
      latencies.push(performance.now() - begun)
    }
    return measurement(latencies, latencies.length / seconds)
  }
}

/** So many begin each second, evenly, whether or not the ones before are done. */
export function steadily(rate: number, seconds: number): Pace {
  return async once => {
    const latencies: number[] = []
    const timed = async (number: number): Promise<void> => {
      const begun = performance.now()
      await once(number)
      latencies.push(performance.now() - begun)
    }
    const begun = performance.now()
    const under: Promise<void>[] = []
    while (under.length < rate * seconds) {
      const due = Math.min(rate * seconds, ((performance.now() - begun) / 1000) * rate)
      while (under.length < due) under.push(timed(under.length))
      await delay(1)
    }
    await Promise.all(under)
    return measurement(latencies, rate)
  }
}

/** One row and its commit: what PostgreSQL needs for that at least. */
export async function measureCommit({ pool }: Workplace, pace: Pace): Promise<Measurement> {
  await pool.query('create table if not exists bare_rows (number bigserial primary key, payload bytea not null)')
  const payload = Buffer.from(sampleEvent(0).payloadJson)
  return pace(() => pool.query({ name: 'bare-row', text: 'insert into bare_rows (payload) values ($1)', values: [payload] }))
}

/** One message, until the server has acknowledged it and a subscriber on another connection has it. */
export async function measurePublish(publisher: NatsConnection, subscriber: NatsConnection, pace: Pace): Promise<Measurement> {
  const manager = await publisher.jetstreamManager()
  await manager.streams.add({ name: 'BARE', subjects: ['bare.>'] })
  const waiting = new Map<number, () => void>()
  const messages = await follow(subscriber, 'BARE', 1, ({ seq }) => waiting.get(seq)?.())
  try {
    const stream = publisher.jetstream()
    const body = Buffer.from(sampleEvent(0).payloadJson)
    return await pace(async number => {
      // Published in the order of their numbers by one connection, so these are the stream's.
      const heard = new Promise<void>(resolve => waiting.set(number + 1, resolve))
      await stream.publish('bare.message', body)
      await heard
    })
  } finally {
    await messages.close()
    await manager.streams.delete('BARE')
  }
}

/** From the call that appends an event until a subscriber of the stream has it, with the log and the relay as in a log-writer. */
export async function measureDelivery(
  { pool, databaseUrl }: Workplace,
  publisher: NatsConnection,
  subscriber: NatsConnection,
  pace: Pace,
): Promise<Measurement> {
  const bell = createBell()
  const log = openPostgresLog(pool, { onBatch: () => bell.ring() })
  const begin = await log.head()
  let published = begin
  const stop = new AbortController()
  const { signal } = stop
  const ringForOthers = (last = '') => {
    if (Number(last) > published) bell.ring()
  }
  const logger = createLogger({ name: 'bench', level: 'silent' })
  await using _ = await listen(databaseUrl, logChannel, ringForOthers, { signal, logger })
  const inStep = Promise.withResolvers<void>()
  const relaying = runRelay({
    log: postgresLogReader(pool),
    stream: openJetStream({ connection: publisher, source: eventSource }),
    bell,
    signal,
    onState: ({ state, streamSequence }) => {
      published = streamSequence
      if (state === 'relaying' && streamSequence >= begin) inStep.resolve()
    },
  })
  await inStep.promise
  const received = new Map<number, number>()
  const messages = await follow(subscriber, defaultStreamName, begin + 1, ({ seq }) => received.set(seq, performance.now()))
  const called = new Map<number, number>()
  const appended = await pace(async number => {
    const event = sampleEvent(number)
    const at = performance.now()
    called.set(await appendOne(log, event), at)
  })
  while (received.size < called.size) await delay(1)
  stop.abort()
  await relaying
  await messages.close()
  const latencies = [...called].map(([sequence, at]) => (received.get(sequence) ?? Number.NaN) - at)
  return measurement(latencies, appended.eventsPerSecond)
}

async function follow(connection: NatsConnection, stream: string, from: number, onMessage: (message: JsMsg) => void) {
  const consumer = await connection.jetstream().consumers.get(stream, { opt_start_seq: from })
  return consumer.consume({ max_messages: 10_000, callback: onMessage })
}

function measurement(latencies: number[], eventsPerSecond: number): Measurement {
  latencies.sort((a, b) => a - b)
  return { eventsPerSecond, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}
