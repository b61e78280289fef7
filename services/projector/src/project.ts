import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { type Bell, type LogReader, tailBatches } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import type { ViewWriter } from '@artifact-store/views'

/** How far a projection is, and what stands in its way. */
export interface ProjectionStatus {
  readonly position: number
  /** When the last event that was applied had been appended. */
  readonly appliedAt?: Date
  /** The event that cannot be applied, and why. */
  readonly poison?: ArtifactError
}

/** How long to wait before trying again what failed, in milliseconds. */
const retryMs = 500

/**
 * Follows the log and applies it to the views, until the signal aborts. Where another projector has been faster it goes on from there. An
 * event that cannot be applied stops it loudly: it is told as poison, and tried again, as a mended version or a mended database would.
 */
export async function project(options: {
  readonly log: LogReader
  readonly writer: ViewWriter
  readonly bell: Bell
  readonly batchSize: number
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly onStatus: (status: ProjectionStatus) => void
}): Promise<void> {
  const { log, writer, bell, batchSize, logger, signal, onStatus } = options
  let size = batchSize
  while (!signal.aborted) {
    try {
      let position = await writer.position()
      onStatus({ position })
      for await (const events of tailBatches(log, { after: position, bell, signal, batchSize: size })) {
        const [first] = events
        try {
          position = await writer.apply(events)
        } catch (error) {
          if (events.length === 1 && first && isPoison(error)) {
            onStatus({ position, poison: poison(first.sequence, first.eventType, error) })
            logger.error(
              { err: error, sequence: first.sequence, eventType: first.eventType },
              'an event cannot be applied: the views stand still before it',
            )
            await bell.wait(bell.count, retryMs, signal)
          }
          throw error
        }
        size = batchSize
        const appliedAt = events.at(-1)?.createdAt
        onStatus({ position, ...(appliedAt ? { appliedAt } : {}) })
      }
    } catch (error) {
      if (signal.aborted) return
      if (isArtifactError(error, 'revision-conflict')) {
        logger.info('another projector has moved the views; going on from where they are')
      } else {
        logger.warn({ err: error }, 'the views could not be moved; trying again')
        // One by one, so that an event which cannot be applied names itself.
        if (isPoison(error)) size = 1
        else await bell.wait(bell.count, retryMs, signal)
      }
    }
  }
}

function poison(sequence: number, eventType: string, cause: unknown): ArtifactError {
  return new ArtifactError(
    'poison-event',
    `event ${sequence} (${eventType}) cannot be applied: the views stand still before it. Mend what it meets, or run a version that knows it`,
    {
      cause,
      details: { sequence, eventType },
    },
  )
}

/** A failure of the event's own: not of the connection (SQLSTATE 08, 53, 57, 58 or none), nor of another transaction (40). */
function isPoison(error: unknown): boolean {
  if (isArtifactError(error)) return false
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined) return error instanceof TypeError || error instanceof RangeError
  return /^[0-9A-Z]{5}$/.test(code) && !/^(08|40|53|55|57|58|XX)/.test(code)
}
