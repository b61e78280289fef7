import type { ServerResponse } from 'node:http'
import { ArtifactError, isArtifactError, type StoredEvent } from '@artifact-store/core'
import { type AppEnv, outgoingOf, RESPONSE_ALREADY_SENT } from '@artifact-store/service'
import type { Context } from 'hono'
import type { EventMetrics } from '../events/event-metrics.ts'
import type { EventPage } from '../events/selected-log.ts'
import { eventFrame, heartbeatFrame, openingFrame, positionFrame } from '../events/server-sent.ts'

/** How long the last words may take to leave, in milliseconds. */
const partingMs = 1000
/** How much text is handed to the socket at once. */
const chunkLength = 64 * 1024

export interface EventStreamOptions {
  /** What to send; ends when its signal aborts. */
  readonly follow: (signal: AbortSignal) => AsyncGenerator<EventPage, void, undefined>
  readonly after: number
  /** Aborts when the client goes or the gateway stops. */
  readonly signal: AbortSignal
  readonly metrics: EventMetrics
  /** Asked now and then: a token may end before the stream does. @throws ArtifactError `unauthenticated` or `forbidden` */
  readonly stillAllowed: () => Promise<void>
  /** How often a stream says that it lives, in milliseconds; 15,000 by default, which is below the patience of common proxies. */
  readonly heartbeatMs?: number
}

/**
 * Sends events as a `text/event-stream` (HTML standard, section 9.2), each with its sequence as `id:`. An id without data follows as soon as all
 * of the log has been looked through, and later when what came was not asked for, so that the client always resumes from where it is.
 * Nothing is read for a client that does not take what was sent.
 * @throws what the first page throws, as long as nothing is sent.
 */
export async function streamEvents(c: Context<AppEnv>, options: EventStreamOptions): Promise<Response> {
  const { follow, metrics, heartbeatMs = 15_000 } = options
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  const outgoing = outgoingOf(c)
  if (!outgoing) throw new ArtifactError('internal', 'events are sent on the raw response, which is not here')
  const refused = new AbortController()
  const signal = AbortSignal.any([options.signal, refused.signal])
  await using pages = follow(signal)
  const first = await pages.next()
  if (c.req.raw.method === 'HEAD') return c.body(null, 200, headers)

  outgoing.writeHead(200, headers)
  outgoing.write(openingFrame)
  const sending = new Sending(outgoing, options)
  const heartbeat = setInterval(() => {
    sending.beat()
    options.stillAllowed().catch(error => {
      if (isArtifactError(error, 'unauthenticated', 'forbidden')) refused.abort()
    })
  }, heartbeatMs)
  metrics.openStreams.inc()
  try {
    for (let next = first; !next.done && !signal.aborted; next = await pages.next()) await sending.send(next.value, signal)
    sending.end()
  } finally {
    metrics.openStreams.dec()
    clearInterval(heartbeat)
  }
  return RESPONSE_ALREADY_SENT
}

/** What one client has been sent, and been told. */
class Sending {
  readonly #outgoing: ServerResponse
  readonly #metrics: EventMetrics
  /** Everything that is asked for has been sent up to here. */
  #position: number
  /** The last id that says so. */
  #told: number
  #reachedEnd: boolean

  constructor(outgoing: ServerResponse, { after, metrics }: EventStreamOptions) {
    this.#outgoing = outgoing
    this.#metrics = metrics
    this.#position = after
    this.#told = after
    this.#reachedEnd = false
  }

  /** Returns when the client has taken most of it, or the signal aborts. */
  async send({ events, position, atEnd }: EventPage, signal: AbortSignal): Promise<void> {
    for (const { text, count, lastSequence } of chunksOf(events)) {
      this.#outgoing.write(text)
      this.#told = lastSequence
      this.#metrics.sent.inc({ over: 'stream' }, count)
      if (this.#outgoing.writableNeedDrain) await drained(this.#outgoing, signal)
      if (signal.aborted) return
    }
    this.#position = position
    if (!atEnd || this.#reachedEnd) return
    this.#reachedEnd = true
    this.#tellPosition()
  }

  beat(): void {
    // What does not leave is not added to.
    if (this.#outgoing.writableNeedDrain) return
    if (this.#reachedEnd && this.#position > this.#told) this.#tellPosition()
    else this.#outgoing.write(heartbeatFrame)
  }

  /** A client that does not read would hold the gateway up, and finds everything again where it was: it is not waited for. */
  end(): void {
    if (this.#outgoing.writableNeedDrain) {
      this.#outgoing.destroy()
      return
    }
    if (this.#position > this.#told) this.#tellPosition()
    const impatience = setTimeout(() => this.#outgoing.destroy(), partingMs)
    this.#outgoing.once('close', () => clearTimeout(impatience)).end()
  }

  #tellPosition(): void {
    this.#told = this.#position
    this.#outgoing.write(positionFrame(this.#position))
  }
}

interface Chunk {
  readonly text: string
  readonly lastSequence: number
  readonly count: number
}

function* chunksOf(events: readonly StoredEvent[]): Generator<Chunk> {
  let text = ''
  let count = 0
  for (const event of events) {
    text += eventFrame(event)
    count += 1
    if (text.length < chunkLength && event !== events.at(-1)) continue
    yield { text, lastSequence: event.sequence, count }
    text = ''
    count = 0
  }
}

/** Returns when more can be written, or when it is of no use any more. */
function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
    signal.addEventListener('abort', done)
  })
}
