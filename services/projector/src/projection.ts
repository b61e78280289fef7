import { ArtifactError } from '@artifact-store/core'
import type { Bell, LogReader } from '@artifact-store/log'
import { lead, leaderLocks, type Pool, type Scope } from '@artifact-store/service'
import { createViewWriter, viewsPosition } from '@artifact-store/views'
import type { ProjectorConfig } from './config.ts'
import { projectionMetrics } from './metrics.ts'
import { type AppliedBatch, type ProjectionStatus, project } from './project.ts'

/** How the views stand, as this process sees them. */
interface ProjectionNow extends ProjectionStatus {
  /** Whether this process moves them. Otherwise another does, or will in a moment. */
  readonly leads: boolean
}

export interface Projection {
  /** What this process knows; while it stands by, what the views say. @throws what reading them throws. */
  look(): Promise<ProjectionNow>
  /** Begins to stand for the projection. @param bell rings when the log may have grown. @param onApplied told of what this process applied. */
  start(config: ProjectorConfig, bell: Bell, onApplied?: (batch: AppliedBatch) => void): void
}

/**
 * Moves the views in one of the projectors that run, while the others stand by: not for the sake of the views, whose checkpoint lets in every
 * event once however many project, but so that no work is done in vain. Tells of it in readiness and metrics.
 * @param pool as a role that may write the views.
 */
export function createProjection(scope: Scope, pool: Pool, log: LogReader): Projection {
  const { logger, signal, health } = scope
  let now: ProjectionNow = { leads: false, position: 0 }

  async function look(): Promise<ProjectionNow> {
    if (now.leads) return now
    const position = await viewsPosition(pool)
    if (!now.leads) now = { leads: false, position }
    return now
  }
  // Where the views cannot be read, what was known last is the best that can be said.
  const metrics = projectionMetrics(scope.metrics, log, () => look().catch(() => now))
  health.check('projection', async () => tell(await look(), await log.head()))

  return {
    look,
    start(config, bell, onApplied) {
      const onStatus = (status: ProjectionStatus) => {
        if (now.leads) now = { ...status, leads: true }
      }
      const options = {
        log,
        writer: createViewWriter(pool),
        bell,
        batchSize: config.PROJECTOR_BATCH,
        logger,
        onStatus,
        onBatch(batch: AppliedBatch) {
          metrics.onBatch(batch)
          onApplied?.(batch)
        },
      }
      const projecting = lead({
        databaseUrl: config.DATABASE_URL,
        lock: leaderLocks.projection,
        name: 'projection',
        logger,
        metrics: scope.metrics,
        signal,
        work: leading => project({ ...options, signal: leading }),
        onChange(leads) {
          now = { leads, position: now.position }
        },
      })
      scope.defer(() => projecting)
    },
  }
}

/** @param head read after the position: the log then has all that the views show, unless it is not the log that they were made from. */
function tell({ leads, position, obstacle }: ProjectionNow, head: number): string {
  if (obstacle) throw obstacle
  if (position > head) throw viewsAhead(position, head)
  return leads ? `views at ${position}` : `standby: another projector moves the views, which are at ${position}`
}

function viewsAhead(position: number, head: number): ArtifactError {
  return new ArtifactError(
    'configuration',
    `the views are at ${position} but the log only at ${head}: they were made from another log, or an older copy of the database was restored. Restore the newer one, or empty the views so that they are made anew`,
    { details: { position, head } },
  )
}
