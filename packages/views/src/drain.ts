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
 * below a few megabytes of payload, so that memory is bounded however large events are.
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
  for (;;) {
    signal?.throwIfAborted()
    const events = await log.fetchSince(position, size)
    if (events.length === 0) return position
    position = await apply(events)
    size = nextSize(events, batchSize)
  }
}

const firstSize = 16
const batchBytes = 2 * 1024 * 1024

/** Twice as many events each time, and as many as make a few megabytes. */
function nextSize(events: readonly StoredEvent[], most: number): number {
  const bytes = events.reduce((sum, event) => sum + event.payloadJson.length, 0)
  return Math.max(1, Math.min(most, events.length * 2, Math.floor((batchBytes * events.length) / Math.max(1, bytes))))
}
