import { setTimeout as delay } from 'node:timers/promises'
import {
  createBell,
  defaultStreamName,
  eventSource,
  logChannel,
  openJetStream,
  openPostgresLog,
  postgresRecordReader,
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

/** What begins in the first seconds does not count: code is compiled, plans are made, and a relay reads more of a stream that is new to it. */
const warmUpSeconds = 2

/** Each begins when the one before it is done. */
export function oneByOne(seconds: number): Pace {
  return async once => {
    const latencies: number[] = []
    const begun = performance.now()
    const counted = begun + warmUpSeconds * 1000
    for (let number = 0; performance.now() < counted + seconds * 1000; number += 1) {
      const at = performance.now()
      await once(number)
      if (at >= counted) latencies.push(performance.now() - at)
    }
    return measurement(latencies, latencies.length / seconds)
  }
}

/** So many begin each second, evenly, whether or not the ones before are done. */
export function steadily(rate: number, seconds: number): Pace {
  return async once => {
    const latencies: number[] = []
    const timed = async (number: number): Promise<void> => {
      const at = performance.now()
      await once(number)
      if (number >= rate * warmUpSeconds) latencies.push(performance.now() - at)
    }
    const begun = performance.now()
    const under: Promise<void>[] = []
    const all = rate * (warmUpSeconds + seconds)
    while (under.length < all) {
      const due = Math.min(all, ((performance.now() - begun) / 1000) * rate)
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
  let appended = 0
  const log = openPostgresLog(pool, {
    onBatch({ lastSequence }) {
      appended = Math.max(appended, lastSequence)
      bell.ring()
    },
  })
  const begin = await log.head()
  let published = begin
  const stop = new AbortController()
  const { signal } = stop
  const ringForOthers = (last = '') => {
    if (Number(last) > Math.max(published, appended)) bell.ring()
  }
  const logger = createLogger({ name: 'bench', level: 'silent' })
  await using _ = await listen(databaseUrl, logChannel, ringForOthers, { signal, logger })
  const inStep = Promise.withResolvers<void>()
  const relaying = runRelay({
    log: postgresRecordReader(pool),
    stream: openJetStream({ connection: publisher, source: eventSource }),
    bell,
    signal,
    onState: ({ state, streamSequence }) => {
      published = streamSequence
      if (state === 'relaying' && streamSequence >= begin) inStep.resolve()
    },
  })
  await inStep.promise
  const arrivals = new Map<number, PromiseWithResolvers<void>>()
  const arrival = (sequence: number) => {
    const known = arrivals.get(sequence) ?? Promise.withResolvers<void>()
    arrivals.set(sequence, known)
    return known
  }
  const messages = await follow(subscriber, defaultStreamName, begin + 1, ({ seq }) => arrival(seq).resolve())
  // Made before: the other measurements make nothing either.
  const events = Array.from({ length: 1000 }, (_, i) => sampleEvent(i))
  const measured = await pace(async number => {
    const sequence = await appendOne(log, events[number % events.length] ?? sampleEvent(number))
    await arrival(sequence).promise
  })
  stop.abort()
  await relaying
  await messages.close()
  return measured
}

async function follow(connection: NatsConnection, stream: string, from: number, onMessage: (message: JsMsg) => void) {
  const consumer = await connection.jetstream().consumers.get(stream, { opt_start_seq: from })
  return consumer.consume({ max_messages: 10_000, callback: onMessage })
}

function measurement(latencies: number[], eventsPerSecond: number): Measurement {
  latencies.sort((a, b) => a - b)
  return { eventsPerSecond, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}
