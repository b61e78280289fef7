import type { StoredEvent } from '@artifact-store/core'
import type { LogReader } from '@artifact-store/log'
import type { Pool } from 'pg'
import { drain } from './drain.ts'
import { logUpTo } from './log-up-to.ts'
import { requireUnderWay, type ViewTaskPhase } from './view-tasks.ts'
import type { ViewWriter } from './view-writer.ts'

/** What a task on the views works with. */
export interface ViewTaskOptions {
  readonly log: LogReader
  /** As the projector, for this task alone: it takes up to three connections. */
  readonly pool: Pool
  /** How a batch is applied, where that is more than `writer.apply`. */
  readonly apply?: (writer: ViewWriter, events: readonly StoredEvent[]) => Promise<number>
  readonly batchSize?: number
  readonly signal: AbortSignal
  /** Told of every phase that begins. */
  readonly onPhase?: (phase: ViewTaskPhase) => void
}

/**
 * Applies the log up to its event number `last`, from where the writer is, batch by batch.
 * @returns the position reached: `last`, or beyond it where the writer was there already.
 * @throws ArtifactError `revision-conflict` when the task is given up meanwhile, or somebody else works on it too.
 */
export async function catchUp(task: number, writer: ViewWriter, last: number, options: ViewTaskOptions): Promise<number> {
  const { log, pool, apply = (to, events) => to.apply(events), batchSize = 1000, signal } = options
  const applyOne = async (events: readonly StoredEvent[]) => {
    await requireUnderWay(pool, task)
    return apply(writer, events)
  }
  return drain(logUpTo(log, last), applyOne, { after: await writer.position(), batchSize, signal })
}
