import { ArtifactError, isArtifactError, type StoredEvent } from '@artifact-store/core'
import type { ViewWriter } from '@artifact-store/views'

/**
 * Applies a batch. Where one of its events cannot be applied, everything before that one is, so that the views stand right before it.
 * @returns the new position.
 * @throws ArtifactError `poison-event` that names it; what the writer throws for any other reason.
 */
export async function applyBatch(writer: ViewWriter, events: readonly StoredEvent[]): Promise<number> {
  try {
    return await writer.apply(events)
  } catch (error) {
    if (!isEventsOwn(error)) throw error
    const [first] = events
    if (first && events.length === 1) throw poison(first, error)
  }
  const middle = Math.ceil(events.length / 2)
  await applyBatch(writer, events.slice(0, middle))
  return applyBatch(writer, events.slice(middle))
}

function poison({ sequence, eventType }: StoredEvent, cause: unknown): ArtifactError {
  return new ArtifactError(
    'poison-event',
    `event ${sequence} (${eventType}) cannot be applied: the views stand still before it. Mend what it meets, or run a version that knows it`,
    { cause, details: { sequence, eventType } },
  )
}

/**
 * A failure that comes from what the events say: a handler's own, or of SQLSTATE class 22 (data), 23 (integrity), 44 (check of a view), 54
 * (a limit) or P0 (raised by a trigger). All else says nothing about the events: a lost connection, a missing grant, another transaction.
 */
function isEventsOwn(error: unknown): boolean {
  if (!(error instanceof Error) || isArtifactError(error)) return false
  if ('code' in error && typeof error.code === 'string') return /^(22|23|44|54|P0)[0-9A-Z]{3}$/.test(error.code)
  return error instanceof TypeError || error instanceof RangeError
}
