import type { LogReader } from '@artifact-store/log'
import { drain } from './drain.ts'
import type { ViewWriter } from './view-writer.ts'

/**
 * Drains the log into the views in one transaction: readers see the old state until the new one is whole. Events go through the
 * same writer and handlers as live ones.
 * @param options.reset begin with empty views; without it, behind the checkpoint.
 * @returns the highest sequence applied; 0 for an empty log.
 * @throws ArtifactError `revision-conflict` when another projector moves the views meanwhile, which only a replay without `reset` lets
 * happen; what an event that cannot be applied meets. Either way the old state stays.
 */
export function replay(
  log: LogReader,
  writer: ViewWriter,
  options: { readonly reset: boolean; readonly batchSize?: number; readonly signal?: AbortSignal },
): Promise<number> {
  const { reset, batchSize = 1000, signal } = options
  return writer.transaction(async within => {
    if (reset) await within.reset()
    return drain(log, events => within.apply(events), { after: await within.position(), batchSize, signal })
  })
}
