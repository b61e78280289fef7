import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { type Bell, createBell, type LogReader } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import { drain, type ViewWriter } from '@artifact-store/views'
import { applyBatch } from './apply-batch.ts'

/** How far a projection is, and what stands in its way. */
export interface ProjectionStatus {
  readonly position: number
  /** When the last event that was applied here had been appended. */
  readonly appliedAt?: Date | undefined
  /** Why the views do not move: `poison-event` or `backend-unavailable`. */
  readonly obstacle?: ArtifactError | undefined
}

export interface ProjectOptions {
  readonly log: LogReader
  readonly writer: ViewWriter
  /** Rings when the log may have grown. */
  readonly bell: Bell
  readonly batchSize: number
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Told of every change. */
  readonly onStatus: (status: ProjectionStatus) => void
  /** Told of every batch that is in the views. */
  readonly onBatch: (batch: AppliedBatch) => void
}

/** Events that went into the views in one go, and how long that took. */
export interface AppliedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly seconds: number
}

/** The longest wait between two looks at the log, in milliseconds: the bell is a hint and may be lost. */
const pollMs = 1000
/** The first and the longest wait before what failed is tried again, in milliseconds. */
const retryMs = { first: 100, longest: 5000 }

/**
 * Follows the log and applies it to the views, until the signal aborts. Where another projector has been faster it goes on from there. An
 * event that cannot be applied stops it loudly: it is told as an obstacle, and tried again, as a mended database would apply it.
 */
export async function project(options: ProjectOptions): Promise<void> {
  const { log, writer, bell, batchSize, logger, signal, onStatus, onBatch } = options
  let status: ProjectionStatus = { position: 0 }
  let waitMs = retryMs.first
  const change = (next: Partial<ProjectionStatus>) => {
    status = { ...status, ...next }
    onStatus(status)
  }
  const move = (position: number, appliedAt = status.appliedAt) => {
    if (status.obstacle) logger.info({ position }, 'the views move again')
    change({ position, appliedAt, obstacle: undefined })
  }

  while (!signal.aborted) {
    try {
      await follow()
    } catch (error) {
      if (signal.aborted) return
      if (isArtifactError(error, 'revision-conflict')) {
        logger.info('another projector has moved the views; going on from where they are')
        continue
      }
      const known = meet(isArtifactError(error) ? error : unavailable(error))
      waitMs = known ? Math.min(waitMs * 2, retryMs.longest) : retryMs.first
      await createBell().wait(0, waitMs, signal)
    }
  }

  async function follow(): Promise<void> {
    let position = await writer.position()
    change({ position })
    while (!signal.aborted) {
      const known = bell.count
      position = await drain(
        log,
        async events => {
          const begun = performance.now()
          const reached = await applyBatch(writer, events)
          const seconds = (performance.now() - begun) / 1000
          onBatch({ firstSequence: reached - events.length + 1, lastSequence: reached, seconds })
          move(reached, events.at(-1)?.createdAt)
          return reached
        },
        { after: position, batchSize, signal },
      )
      if (status.obstacle) move(position)
      await bell.wait(known, pollMs, signal)
    }
  }

  /** Tells what stands in the way, loudly the first time. @returns whether it is the same as before. */
  function meet(obstacle: ArtifactError): boolean {
    const known = status.obstacle?.message === obstacle.message
    const level = obstacle.kind === 'poison-event' ? 'error' : 'warn'
    logger[known ? 'debug' : level]({ err: obstacle, ...obstacle.details }, obstacle.message)
    change({ obstacle })
    return known
  }
}

// Readiness shows the sentence to anyone, so what the database said stays in the log.
function unavailable(cause: unknown): ArtifactError {
  return new ArtifactError('backend-unavailable', 'the views cannot be moved at the moment; trying again', { cause })
}
