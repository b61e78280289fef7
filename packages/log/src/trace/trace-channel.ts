import type { Queryable } from '../postgres/queryable.ts'
import { maxEventsPerAppend } from '../wire/limits.ts'
import { isTraceparent, type TracedEvents } from './traced-events.ts'

/**
 * The channel on which log-writers tell by PostgreSQL's NOTIFY which events are traced, as the log itself does not say: who wrote an event for whom is no
 * part of it. Nobody relies on it.
 */
export const traceChannel = 'artifact_store_traces'

/** What is told on that channel, a line for each append. @returns nothing where it is not of that form. */
export function readTraces(payload: string): readonly TracedEvents[] {
  return payload.split('\n').flatMap(line => {
    const [first, last, traceparent = ''] = line.split(' ')
    const [firstSequence, lastSequence] = [Number(first), Number(last)]
    const events = lastSequence - firstSequence + 1
    const sound = Number.isSafeInteger(firstSequence) && events >= 1 && events <= maxEventsPerAppend && isTraceparent(traceparent)
    return sound ? [{ firstSequence, lastSequence, traceparent }] : []
  })
}

/** Tells on the channel which events are traced, one statement at a time; what is too much meanwhile is not told. */
export function createTraceTeller(
  connection: Queryable,
  onError: (error: unknown) => void,
): (traced: readonly TracedEvents[]) => void {
  let waiting: TracedEvents[] = []
  let telling = false
  async function tell(): Promise<void> {
    telling = true
    while (waiting.length > 0) {
      const payloads = chunksOf(waiting, linesInPayload).map(chunk => chunk.map(lineOf).join('\n'))
      waiting = []
      const text = 'select pg_notify($1, payload) from unnest($2::text[]) payload'
      await connection.query({ text, values: [traceChannel, payloads] }).catch(onError)
    }
    telling = false
  }
  return traced => {
    waiting.push(...traced.slice(0, mostWaiting - waiting.length))
    if (!telling) void tell()
  }
}

const mostWaiting = 2000
// A payload has less than 8000 bytes, a line not more than 90.
const linesInPayload = 80

function lineOf({ firstSequence, lastSequence, traceparent }: TracedEvents): string {
  return `${firstSequence} ${lastSequence} ${traceparent}`
}

function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}
