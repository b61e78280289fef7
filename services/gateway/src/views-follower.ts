import { ArtifactError } from '@artifact-store/core'
import { type Bell, createBell, type Queryable } from '@artifact-store/log'
import { viewsPosition } from '@artifact-store/views'

/** Knows how far the views have come, and waits for them. */
export interface ViewsFollower {
  /** The views' channel has told a position, or (undefined) may have been missed. */
  told(position: number | undefined): void
  /** Returns when the views show everything up to `position`.
   * @throws ArtifactError `views-behind` when they do not within the time. */
  reached(position: number, signal?: AbortSignal): Promise<void>
}

export interface ViewsFollowerOptions {
  /** How long to wait for the views, in milliseconds. */
  readonly patienceMs?: number
}

/** Makes a write visible to the next read: whoever wrote waits here until the views have reached the write's position. */
export function followViews(connection: Queryable, options: ViewsFollowerOptions = {}): ViewsFollower {
  const { patienceMs = 15_000 } = options
  const bell: Bell = createBell()
  let seen = 0
  const see = (position: number) => {
    if (position > seen) seen = position
    bell.ring()
  }
  return {
    told(position) {
      if (position === undefined) bell.ring()
      else see(position)
    },
    async reached(position, signal) {
      const deadline = performance.now() + patienceMs
      while (seen < position) {
        signal?.throwIfAborted()
        const known = bell.count
        // The notification is a hint; asking now and then makes up for a lost one.
        await bell.wait(known, 250, signal)
        if (seen >= position) return
        if (bell.count === known) see(await viewsPosition(connection))
        if (seen < position && performance.now() > deadline) {
          throw new ArtifactError(
            'views-behind',
            `the write is in the log at ${position}, but the views have only reached ${seen}: read again in a moment`,
            {
              details: { position, reached: seen },
            },
          )
        }
      }
    },
  }
}
