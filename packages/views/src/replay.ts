import type { LogReader } from '@artifact-store/log'
import type { ViewWriter } from './view-writer.ts'

/**
 * Drains the log into the views in one transaction: readers see the old state until the new one is whole. Events go through the
 * same writer and handlers as live ones.
 * @param options.reset begin with empty views; without it, behind the checkpoint.
 * @returns the highest sequence applied; 0 for an empty log.
 */
export function replay(
  log: LogReader,
  writer: ViewWriter,
  options: { readonly reset: boolean; readonly batchSize?: number; readonly signal?: AbortSignal },
): Promise<number> {
  const { reset, batchSize = 1000, signal } = options
  return writer.transaction(async within => {
    if (reset) await within.reset()
    let position = await within.position()
    for (;;) {
      signal?.throwIfAborted()
      const events = await log.fetchSince(position, batchSize)
      if (events.length === 0) return position
      position = await within.apply(events)
    }
  })
}
