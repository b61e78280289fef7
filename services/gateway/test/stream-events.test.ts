import { ArtifactError, blake3, type StoredEvent } from '@artifact-store/core'
import { createApp, createLogger, createMetrics, Health, type HttpServer, listenHttp } from '@artifact-store/service'
import { afterEach, expect, it } from 'vitest'
import { eventMetrics } from '../src/events/event-metrics.ts'
import type { EventPage } from '../src/events/selected-log.ts'
import { streamEvents } from '../src/http/stream-events.ts'
import { openStream, sequencesIn } from './open-stream.ts'

function event(sequence: number, eventType = 'v1.comet.sighted'): StoredEvent {
  const payloadJson = '{}'
  const createdAt = new Date('2026-01-01T00:00:00Z')
  const about = {
    eventType,
    subjectKind: 'comet',
    subjectId: 'halley',
    actor: 'x',
    subjectRevision: sequence,
    sequence,
    createdAt,
  }
  return { ...about, payload: {}, payloadJson, payloadDigest: blake3(payloadJson) }
}

const open: HttpServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0)
})

/** A server that streams these pages, and then whatever else comes. */
async function serve(
  pages: readonly EventPage[],
  given: { stillAllowed?: () => Promise<void>; more?: (signal: AbortSignal) => Promise<EventPage | undefined> } = {},
) {
  const logger = createLogger({ name: 'test', level: 'silent' })
  const metrics = createMetrics('test')
  const app = createApp({ name: 'test', logger, metrics, health: new Health() })
  const counted = eventMetrics(metrics)
  app.get('/v1/events', c =>
    streamEvents(c, {
      async *follow(signal) {
        yield* pages
        const next = await given.more?.(signal)
        if (next) yield next
        if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
      after: 0,
      signal: AbortSignal.any([]),
      metrics: counted,
      stillAllowed: given.stillAllowed ?? (async () => undefined),
      heartbeatMs: 10,
    }),
  )
  const server = await listenHttp({ fetch: app.fetch, host: '127.0.0.1', port: 0 })
  open.push(server)
  return server.url
}

it('a stream on which nothing moves says that it lives', async () => {
  const stream = await openStream(await serve([{ events: [], position: 0, atEnd: true }]), 'x')
  await stream.until(block => block[''] === 'still here')
  stream.close()
})

it('a stream on which only others move tells its position by its heartbeat', async () => {
  const pages = [
    { events: [event(1)], position: 4, atEnd: true },
    { events: [], position: 7, atEnd: false },
  ]
  const stream = await openStream(await serve(pages), 'x')
  const blocks = await stream.until(block => block['id'] === '7')
  stream.close()
  expect(blocks.flatMap(block => (block['id'] === undefined ? [] : [[block['id'], block['event']]]))).toEqual([
    ['1', 'v1.comet.sighted'],
    ['4', undefined],
    ['7', undefined],
  ])
})

it('no position is told while the past is being read', async () => {
  const { promise: later, resolve } = Promise.withResolvers<EventPage>()
  const stream = await openStream(await serve([{ events: [event(3)], position: 9, atEnd: false }], { more: () => later }), 'x')
  await stream.until(block => block[''] === 'still here')
  resolve({ events: [event(12)], position: 12, atEnd: true })
  const blocks = await stream.until(block => block['id'] === '12' && block['data'] === undefined)
  stream.close()
  expect(blocks.flatMap(block => block['id'] ?? [])).toEqual(['3', '12', '12'])
})

it.each(['unauthenticated', 'forbidden'] as const)('a stream ends when its token is %s', async kind => {
  const revoked = new AbortController()
  const stillAllowed = async () => {
    if (revoked.signal.aborted) throw new ArtifactError(kind, 'the token was revoked')
  }
  const stream = await openStream(await serve([{ events: [event(1)], position: 1, atEnd: true }], { stillAllowed }), 'x')
  await stream.until(block => block['id'] === '1')
  revoked.abort()
  expect(sequencesIn(await stream.ended)).toEqual([1])
})

it('a stream goes on when its token cannot be looked up just now', async () => {
  let asked = 0
  const stillAllowed = async () => {
    asked += 1
    throw new ArtifactError('backend-unavailable', 'the database is away')
  }
  const stream = await openStream(await serve([{ events: [event(1)], position: 1, atEnd: true }], { stillAllowed }), 'x')
  await expect.poll(() => asked).toBeGreaterThan(2)
  await stream.until(block => block[''] === 'still here')
  stream.close()
})

it('a type that would break the stream has no name in it, and no event is lost', async () => {
  const strange = event(2, 'v1.comet\n\nid: 99\ndata: {}\n\n')
  const stream = await openStream(await serve([{ events: [event(1), strange, event(3)], position: 3, atEnd: true }]), 'x')
  const blocks = await stream.until(block => block['id'] === '3')
  stream.close()
  expect(sequencesIn(blocks)).toEqual([1, 2, 3])
})
