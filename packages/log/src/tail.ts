import type { StoredEvent } from '@artifact-store/core'
import { type Bell, createBell } from './bell.ts'
import type { LogReader } from './event-log.ts'

export interface TailOptions {
  /** Start behind this sequence; 0, the default, is the beginning. */
  readonly after?: number
  readonly signal?: AbortSignal | undefined
  /** Rings when the log may have grown. Without one, the log is asked every `pollMs`. */
  readonly bell?: Bell | undefined
  /** The longest wait between two looks, in milliseconds: the bell is a hint and may be lost. */
  readonly pollMs?: number
  /** How many events to read at once. */
  readonly batchSize?: number
}

/**
 * All events behind `after`, in order, without end: what is there, then what comes. Ends when its consumer breaks, when `return()` is
 * called (also while it waits), or when its signal aborts; throws what reading throws.
 */
export function tail(log: LogReader, options: TailOptions = {}): AsyncGenerator<StoredEvent, void, undefined> {
  return endable(options.signal, signal => readEvents(log, { ...options, signal }))
}

/** The same in batches of 1 to `batchSize` events, as they can be read. */
export function tailBatches(log: LogReader, options: TailOptions = {}): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  return endable(options.signal, signal => readBatches(log, { ...options, signal }))
}

async function* readEvents(log: LogReader, options: TailOptions): AsyncGenerator<StoredEvent, void, undefined> {
  for await (const batch of readBatches(log, options)) {
    for (const event of batch) {
      if (options.signal?.aborted) return
      yield event
    }
  }
}

async function* readBatches(log: LogReader, options: TailOptions): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { signal, batchSize = 1000, pollMs = options.bell ? 1000 : 50, bell = createBell() } = options
  let position = options.after ?? 0
  while (!signal?.aborted) {
    const known = bell.count
    const batch = await log.fetchSince(position, batchSize)
    if (signal?.aborted) return
    const last = batch.at(-1)
    if (last) {
      position = last.sequence
      yield batch
    } else {
      await bell.wait(known, pollMs, signal)
    }
  }
}

// A generator's own return() queues behind a next() that still runs, and that one may wait for an event that never comes.
function endable<T>(
  outer: AbortSignal | undefined,
  read: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const ended = new AbortController()
  const generator = read(outer ? AbortSignal.any([outer, ended.signal]) : ended.signal)
  return {
    next: () => generator.next(),
    return: value => {
      ended.abort()
      return generator.return(value)
    },
    throw: error => generator.throw(error),
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}
