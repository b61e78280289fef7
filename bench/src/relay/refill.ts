import { createBell, eventSource, openJetStream, postgresRecordReader, runRelay } from '@artifact-store/log'
import type { NatsConnection } from 'nats'
import type pg from 'pg'
import type { Measurement } from '../harness/bench.ts'
import { percentile } from '../harness/callers.ts'

/** Lets the relay fill a stream that is not there from the log's first event, until it has so many. */
export async function measureRefill(pool: pg.Pool, connection: NatsConnection, count: number): Promise<Measurement> {
  const stop = new AbortController()
  const full = Promise.withResolvers<number>()
  const latencies: number[] = []
  const begun = performance.now()
  const relaying = runRelay({
    log: postgresRecordReader(pool),
    stream: openJetStream({ connection, source: eventSource }),
    bell: createBell(),
    signal: stop.signal,
    onState: ({ state, message }) => {
      if (state === 'forked' || state === 'disconnected') full.reject(new Error(`${state}: ${message}`))
    },
    onPublished: ({ lastSequence, seconds }) => {
      latencies.push(seconds * 1000)
      if (lastSequence >= count) full.resolve(lastSequence)
    },
  })
  const published = await full.promise
  const elapsed = (performance.now() - begun) / 1000
  stop.abort()
  await relaying
  latencies.sort((a, b) => a - b)
  return { eventsPerSecond: published / elapsed, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}
