import type { RecordedEvent } from '@artifact-store/core'
import type { Bell } from '../bell.ts'
import { isSameEvent } from '../cloud-event.ts'
import type { LogReader } from '../event-log.ts'

export interface BatchesOptions {
  readonly log: LogReader<RecordedEvent>
  /** The first batch begins behind this number. */
  readonly after: number
  /** Whether the stream has this event, the log's at `after`, under that number. */
  readonly isInStream: (event: RecordedEvent) => boolean
  /** Rings when the log may have grown. */
  readonly bell: Bell
  /** The longest wait between two reads, in milliseconds. */
  readonly pollMs: number
  /** The most events in one batch. */
  readonly batchSize: number
  /** Ends the row of batches. */
  readonly signal: AbortSignal
}

export type Batch = readonly [RecordedEvent, ...RecordedEvent[]]

/**
 * What comes behind `after` in batches, without end: a single event first, then up to twice as many each time, or a few. They are read in pages
 * of several batches, the next one while one is used. Each page is read together with the event before it, in one state of the log, and
 * that must be the event that the stream has there. Ends when it is not: the log was exchanged for another, or lost its end.
 */
export async function* batchesSince(options: BatchesOptions): AsyncGenerator<Batch, void, undefined> {
  const { log, bell, pollMs, batchSize, signal } = options
  let { after, isInStream } = options
  let size = 1
  let known = bell.count
  let page = read()

  function read(): Promise<Page> {
    const reading = readPage(log, after, size)
    // When nobody comes for it any more, its failure is nobody's.
    reading.catch(() => undefined)
    return reading
  }

  while (!signal.aborted) {
    const { before, events } = await page
    if (after > 0 && !(before && isInStream(before))) return
    const more = events.length === size
    const last = events.at(-1)
    if (last) {
      after = last.sequence
      isInStream = event => isSameEvent(event, last)
      size = nextSize(events, batchSize)
    }
    if (more) {
      known = bell.count
      page = read()
    }
    yield* split(events, batchSize)
    if (!more) {
      await bell.wait(known, pollMs, signal)
      known = bell.count
      page = read()
    }
  }
}

interface Page {
  /** The log's event at the number behind which the page begins. */
  readonly before: RecordedEvent | undefined
  readonly events: readonly RecordedEvent[]
}

async function readPage(log: LogReader<RecordedEvent>, after: number, size: number): Promise<Page> {
  if (after === 0) return { before: undefined, events: await log.fetchSince(0, size) }
  const [before, ...events] = await log.fetchSince(after - 1, size + 1)
  return { before, events }
}

function* split(events: readonly RecordedEvent[], batchSize: number): Generator<Batch> {
  for (let start = 0; start < events.length; start += batchSize) {
    const [first, ...others] = events.slice(start, start + batchSize)
    if (first) yield [first, ...others]
  }
}

const batchesInPage = 4
/** Room for what arrives during a read, where little happens: a page that is full has to be read behind at once. */
const fewEvents = 16
const pageBytes = 4 * 1024 * 1024

/** Twice as many events each time, and as many as make a few megabytes: some payloads are large, and a page is held in memory. */
function nextSize(events: readonly RecordedEvent[], batchSize: number): number {
  const bytes = events.reduce((sum, event) => sum + event.payloadJson.length, 1)
  return Math.max(
    1,
    Math.min(batchSize * batchesInPage, Math.max(fewEvents, events.length * 2), Math.floor((pageBytes * events.length) / bytes)),
  )
}
