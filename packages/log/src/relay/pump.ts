import type { RecordedEvent } from '@artifact-store/core'
import { type Bell, createBell } from '../bell.ts'
import type { LogReader } from '../event-log.ts'
import { type Batch, batchesSince } from './batches.ts'
import type { EventStream, Publication } from './event-stream.ts'

/** A batch that the broker has answered. */
export interface Published {
  readonly events: number
  readonly lastSequence: number
  /** From when it was handed to the broker until the answer, in seconds. */
  readonly seconds: number
}

export interface PumpOptions {
  readonly log: LogReader<RecordedEvent>
  readonly stream: EventStream
  readonly bell: Bell
  /** The number that the stream is at. */
  readonly after: number
  /** Whether the stream has this event, the log's at `after`, under that number. */
  readonly isInStream: (event: RecordedEvent) => boolean
  readonly pollMs: number
  readonly batchSize: number
  /** The most events that the broker may have without having answered, or as many as have a few megabytes of payloads. */
  readonly window: number
  /** Ends it when what is under way is answered. */
  readonly until: AbortSignal
  /** Ends it at once. */
  readonly signal: AbortSignal
  readonly onPublished: (published: Published) => void
}

/**
 * Publishes what comes behind `after`, several batches at a time: the broker takes them in their order, so the answer to one need not be
 * waited for before the next goes. Ends with `refused` when one is, and with `accepted` once `until` aborts or the log is not the one
 * any more that the stream is a copy of.
 * @throws what reading the log and publishing throw.
 */
export async function pump(options: PumpOptions): Promise<Publication> {
  const { stream, until, onPublished } = options
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const stop = AbortSignal.any([signal, until])
  const flight = createFlight(options.window)
  const results = Promise.withResolvers<Publication>()

  async function publish(batch: Batch): Promise<void> {
    const begun = performance.now()
    const lastSequence = batch.at(-1)?.sequence ?? 0
    try {
      const publication = await stream.publish(batch, signal)
      if (publication === 'accepted')
        return onPublished({ events: batch.length, lastSequence, seconds: (performance.now() - begun) / 1000 })
      results.resolve(publication)
    } catch (error) {
      results.reject(error)
    }
    failed.abort(new Error('a batch before it was not taken'))
  }

  results.promise.catch(() => undefined)
  try {
    for await (const batch of batchesSince({ ...options, signal: stop })) {
      await flight.room(stop)
      if (stop.aborted) break
      flight.add(publish(batch), batch)
    }
  } finally {
    await flight.landed()
  }
  results.resolve('accepted')
  return results.promise
}

/** What the broker has been given and not answered. */
function createFlight(window: number) {
  let events = 0
  let bytes = 0
  const under = new Set<Promise<void>>()
  const landing = createBell()
  return {
    add(publishing: Promise<void>, batch: Batch): void {
      const size = batch.reduce((sum, event) => sum + event.payloadJson.length, 0)
      events += batch.length
      bytes += size
      const landed = publishing.then(() => {
        events -= batch.length
        bytes -= size
        under.delete(landed)
        landing.ring()
      })
      under.add(landed)
    },
    /** Returns when there is room for more, or the signal aborts. */
    async room(signal: AbortSignal): Promise<void> {
      while ((events >= window || bytes >= windowBytes) && !signal.aborted)
        await landing.wait(landing.count, longestWaitMs, signal)
    },
    async landed(): Promise<void> {
      await Promise.all(under)
    },
  }
}

const windowBytes = 16 * 1024 * 1024
const longestWaitMs = 60_000
