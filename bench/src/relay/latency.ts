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
import pg from 'pg'
import type { Measurement } from '../harness/bench.ts'
import { percentile } from '../harness/callers.ts'
import { appendOne, sampleEvent } from './events.ts'
import type { Workplace } from './workplace.ts'

/** One row and its commit, one after the other, over one connection: what PostgreSQL needs for that at least. */
export async function measureCommit({ databaseUrl }: Workplace, seconds: number): Promise<Measurement> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('create table if not exists bare_rows (number bigserial primary key, payload bytea not null)')
    const payload = Buffer.from(sampleEvent(0).payloadJson)
    return await oneByOne(seconds, () =>
      client.query({ name: 'bare-row', text: 'insert into bare_rows (payload) values ($1)', values: [payload] }),
    )
  } finally {
    await client.end()
  }
}

/** One message, until the server has acknowledged it and a subscriber on another connection has it, one after the other. */
export async function measurePublish(
  publisher: NatsConnection,
  subscriber: NatsConnection,
  seconds: number,
): Promise<Measurement> {
  const manager = await publisher.jetstreamManager()
  await manager.streams.add({ name: 'BARE', subjects: ['bare.>'] })
  const heard = createBell()
  const messages = await follow(subscriber, 'BARE', 1, () => heard.ring())
  try {
    const stream = publisher.jetstream()
    const body = Buffer.from(sampleEvent(0).payloadJson)
    return await oneByOne(seconds, async () => {
      const known = heard.count
      await stream.publish('bare.message', body)
      await heard.wait(known, 10_000)
    })
  } finally {
    await messages.close()
    await manager.streams.delete('BARE')
  }
}

/**
 * From the call that appends an event until a subscriber of the stream has it, while so many a second are appended through the log
 * and relayed as the log-writer does.
 */
export async function measureDelivery(
  workplace: Workplace,
  { publisher, subscriber, rate, seconds }: Delivery,
): Promise<Measurement> {
  const { pool, databaseUrl } = workplace
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
  await steadily(rate, seconds, async number => {
    const event = sampleEvent(number)
    const at = performance.now()
    called.set(await appendOne(log, event), at)
  })
  while (received.size < called.size) await delay(1)
  stop.abort()
  await relaying
  await messages.close()
  return measurement(
    [...called].map(([sequence, at]) => (received.get(sequence) ?? Number.NaN) - at),
    called.size / seconds,
  )
}

export interface Delivery {
  readonly publisher: NatsConnection
  readonly subscriber: NatsConnection
  /** Events a second. */
  readonly rate: number
  readonly seconds: number
}

async function follow(connection: NatsConnection, stream: string, from: number, onMessage: (message: JsMsg) => void) {
  const consumer = await connection.jetstream().consumers.get(stream, { opt_start_seq: from })
  return consumer.consume({ max_messages: 10_000, callback: onMessage })
}

async function oneByOne(seconds: number, once: () => Promise<unknown>): Promise<Measurement> {
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const begun = performance.now()
    await once()
    latencies.push(performance.now() - begun)
  }
  return measurement(latencies, latencies.length / seconds)
}

/** Begins so many a second, evenly, whether or not the ones before are done; returns when all are. */
async function steadily(rate: number, seconds: number, once: (number: number) => Promise<void>): Promise<void> {
  const begun = performance.now()
  const under: Promise<void>[] = []
  while (under.length < rate * seconds) {
    const due = Math.min(rate * seconds, ((performance.now() - begun) / 1000) * rate)
    while (under.length < due) under.push(once(under.length))
    await delay(1)
  }
  await Promise.all(under)
}

function measurement(latencies: number[], eventsPerSecond: number): Measurement {
  latencies.sort((a, b) => a - b)
  return { eventsPerSecond, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}
