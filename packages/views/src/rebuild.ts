import { cancellable } from './cancellable.ts'
import { catchUp, type ViewTaskOptions } from './catch-up.ts'
import { swapViews } from './swap.ts'
import { hasSqlState, sqlStates } from './view-tasks.ts'
import { createViewWriter } from './view-writer.ts'

/** Where the views are made anew. */
const nextSchema = 'views_next'

/**
 * Makes the views anew from the whole log, beside the live ones, and puts them into their place in one transaction. Reads go on all the
 * while and never see an older state than they saw before; so do writes. Goes on where an earlier run was interrupted; begins again where the
 * views were migrated meanwhile.
 * @param task the id of the rebuild that was asked for.
 * @returns the position at which the new views took over.
 * @throws ArtifactError `revision-conflict` when the task is given up or somebody else works on it; the signal's reason; what an
 * event that cannot be applied meets. In any case the live views are as they were.
 */
export async function rebuildViews(task: number, options: ViewTaskOptions): Promise<number> {
  for (;;) {
    try {
      return await buildAndSwap(task, options)
    } catch (error) {
      if (!hasSqlState(error, sqlStates.stale)) throw error
    }
  }
}

async function buildAndSwap(task: number, options: ViewTaskOptions): Promise<number> {
  const { log, pool, signal, onPhase } = options
  const writer = createViewWriter(pool, nextSchema)
  await pool.query('select views_admin.begin_task($1)', [task])
  onPhase?.('building')
  await catchUp(task, writer, await log.head(), options)
  // Nearly all rows are in: an index is made faster from all of them than with each.
  await cancellable(pool, signal, 'select views_admin.finish_building($1)', [task])
  onPhase?.('swapping')
  return swapViews(task, writer, options)
}
