import { ArtifactStoreClient } from '@artifact-store/client'
import type { StoredEvent } from '@artifact-store/core'
import { postgresLogReader, tail } from '@artifact-store/log'
import { Pool } from 'pg'
import { readServerSentEvents } from '../../http-events.ts'
import { readJetStream } from '../../jetstream-events.ts'
import { type SeenEvent, seenEvent } from '../../seen-event.ts'
import { openArchive } from '../archive-log.ts'
import { adminToken, type World } from '../world/world.ts'
import type { Source } from './subscriber.ts'

/** Every way in which one may follow the log. */
export function sourcesOf(world: World): Readonly<Record<string, Source>> {
  const [first = '', second = first] = world.gatewayUrls
  return {
    'server-sent events': (after, signal) => throughServerSentEvents(first, after, signal),
    'the client library': (after, signal) => throughClient(second, after, signal),
    'the client library over NATS': (after, signal) => throughClient(first, after, signal, { url: world.subscriber.natsUrl }),
    'the event stream': (after, signal) => readJetStream(world.subscriber.natsUrl, after, { signal }),
    'the log itself': (after, signal) => throughTail(world, after, signal),
  }
}

/** After so long without an event (milliseconds) a connection is given up: it may be dead, and a living one is soon made again. */
const longestSilenceMs = 20_000

async function* throughServerSentEvents(url: string, after: number, signal: AbortSignal): AsyncGenerator<SeenEvent> {
  const silent = new AbortController()
  const idle = setTimeout(() => silent.abort(), longestSilenceMs)
  try {
    for await (const event of readServerSentEvents({ url, token: adminToken }, after, AbortSignal.any([signal, silent.signal]))) {
      idle.refresh()
      yield event
    }
  } finally {
    clearTimeout(idle)
  }
}

/** It connects again by itself, and goes to and fro between gateway and NATS where it is told of both. */
async function* throughClient(
  url: string,
  after: number,
  signal: AbortSignal,
  nats?: { url: string },
): AsyncGenerator<SeenEvent> {
  using client = new ArtifactStoreClient({ url, token: adminToken, retry: { firstDelayMs: 50, longestDelayMs: 500 } })
  for await (const event of client.events.subscribe({ after, signal, nats, idleTimeoutMs: longestSilenceMs }))
    yield seenEvent(event)
}

async function* throughTail(world: World, after: number, signal: AbortSignal): AsyncGenerator<SeenEvent> {
  await using archive = await openArchive(world)
  const pool = new Pool({
    connectionString: world.subscriber.postgresUrl,
    max: 1,
    connectionTimeoutMillis: 2000,
    query_timeout: 5000,
  })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  try {
    for await (const event of tail(postgresLogReader(pool, {}, archive), { after, signal, batchSize: 100 }))
      yield seenInLog(event)
  } finally {
    await pool.end()
  }
}

function seenInLog(event: StoredEvent): SeenEvent {
  return {
    sequence: event.sequence,
    type: event.eventType,
    subject: `${event.subjectKind}/${event.subjectId}`,
    subjectRevision: event.subjectRevision,
    actor: event.actor,
    time: event.createdAt.toISOString(),
    payloadDigest: Buffer.from(event.payloadDigest).toString('hex'),
    payload: event.payload,
  }
}
