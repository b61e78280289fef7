import type { StoredEvent } from '@artifact-store/core'
import type { LogReader } from '@artifact-store/log'

export interface DrainOptions {
  /** Start behind this sequence. */
  readonly after: number
  /** The most events in one batch. */
  readonly batchSize: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Hands over, batch by batch, what the log has behind a position, until there is no more. Batches grow from a few events on and end
 * below a few megabytes of payload, so that memory is bounded however large events are. While a batch is applied and there is more behind
 * it, the next one is read.
 * @param apply answers the position that it has reached.
 * @returns the last position reached.
 * @throws what reading and applying throw; the signal's reason, between two batches.
 */
export async function drain(
  log: LogReader,
  apply: (events: readonly StoredEvent[]) => Promise<number>,
  { after, batchSize, signal }: DrainOptions,
): Promise<number> {
  let position = after
  let size = Math.min(firstSize, batchSize)
  let ahead: Ahead | undefined
  try {
    for (;;) {
      signal?.throwIfAborted()
      // What was read ahead counts where the last batch has led to.
      const events = await (ahead?.after === position ? ahead.events : log.fetchSince(position, size))
      const last = events.at(-1)
      if (!last) return position
      const isFull = events.length === size
      size = nextSize(events, batchSize)
      ahead = isFull ? readAhead(log, last.sequence, size) : undefined
      position = await apply(events)
    }
  } finally {
    await ahead?.events.catch(() => undefined)
  }
}

interface Ahead {
  readonly after: number
  readonly events: Promise<readonly StoredEvent[]>
}

/** Its failure is told when the events are asked for. */
function readAhead(log: LogReader, after: number, size: number): Ahead {
  const events = log.fetchSince(after, size)
  events.catch(() => undefined)
  return { after, events }
}

const firstSize = 16
const batchBytes = 2 * 1024 * 1024

/** Twice as many events each time, and as many as make a few megabytes. */
function nextSize(events: readonly StoredEvent[], most: number): number {
  const bytes = events.reduce((sum, event) => sum + event.payloadJson.length, 0)
  return Math.max(1, Math.min(most, events.length * 2, Math.floor((batchBytes * events.length) / Math.max(1, bytes))))
}
