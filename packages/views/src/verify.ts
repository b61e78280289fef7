import { ArtifactError } from '@artifact-store/core'
import { catchUp, type ViewTaskOptions } from './catch-up.ts'
import { type Comparison, compareStates } from './compare-states.ts'
import { viewsPosition } from './position.ts'
import { readSnapshot } from './read-snapshot.ts'
import { liveSchema } from './table-shape.ts'
import { requireUnderWay } from './view-tasks.ts'
import { createViewWriter } from './view-writer.ts'

const scratchSchema = 'views_scratch'
const mostTold = 100

/** What a verification found, and where. */
export interface Verification extends Comparison {
  readonly position: number
}

/**
 * Replays the whole log into tables of their own, up to exactly where the live views are, and compares the two row by row. Reads and
 * writes go on all the while. Goes on where an earlier run was interrupted.
 * @param task the id of the verification that was asked for.
 * @throws ArtifactError `views-behind` when the live views went back meanwhile; what `rebuildViews` throws.
 */
export async function verifyViews(task: number, options: ViewTaskOptions): Promise<Verification> {
  const { pool, signal, onPhase } = options
  const writer = createViewWriter(pool, scratchSchema)
  await pool.query('select views_admin.begin_task($1)', [task])
  onPhase?.('replaying')
  // Nearly all of it before the snapshot, which keeps vacuum in the whole database from its work.
  const replayed = await catchUp(task, writer, await viewsPosition(pool), options)

  const comparison = await readSnapshot(pool, liveSchema, async live => {
    if (live.position < replayed) throw wentBack(replayed, live.position)
    await catchUp(task, writer, live.position, options)
    await pool.query('select views_admin.begin_comparing($1)', [task])
    onPhase?.('comparing')
    const goOn = async () => {
      signal.throwIfAborted()
      await requireUnderWay(pool, task)
    }
    return readSnapshot(pool, scratchSchema, async fresh => ({
      position: live.position,
      ...(await compareStates(live, fresh, { mostTold, goOn })),
    }))
  })
  const { position, ...result } = comparison
  await pool.query('select views_admin.finish_verification($1, $2, $3)', [task, position, JSON.stringify(result)])
  return comparison
}

function wentBack(replayed: number, live: number): ArtifactError {
  return new ArtifactError(
    'views-behind',
    `the live views went back from ${replayed} to ${live} while they were verified: they are being made anew. Verify them when that has ended`,
    { details: { replayed, live } },
  )
}
