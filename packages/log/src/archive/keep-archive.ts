import { isArtifactError } from '@artifact-store/core'
import { createBell } from '../bell.ts'
import type { Queryable } from '../postgres/queryable.ts'
import { type ArchiveNextOptions, archiveNext } from './archive-next.ts'
import type { ArchiveStore } from './archive-store.ts'
import type { SegmentEntry } from './open-segment.ts'
import { type DropOptions, detachArchived, dropDetached, type Retirement } from './retire-partitions.ts'

/** What was done for the archive. */
export type ArchiveStep =
  | { readonly step: 'archived'; readonly segment: SegmentEntry }
  | { readonly step: Retirement['outcome'] | 'dropped'; readonly partition: number }

export interface ArchiveOnceOptions extends Omit<ArchiveNextOptions, 'signal'>, Omit<DropOptions, 'signal'> {
  readonly signal?: AbortSignal | undefined
  /** How many events are archived in a second at most, so that everybody else has the database too; 20,000 unless told. */
  readonly eventsPerSecond?: number | undefined
  /** Told of every step when it is done. */
  readonly onStep?: (step: ArchiveStep) => void
}

export interface KeepArchiveOptions extends ArchiveOnceOptions {
  readonly signal: AbortSignal
  /** How long between two looks, in milliseconds; a minute unless told. */
  readonly everyMs?: number
  /** Told of what failed; it is tried again at the next look. */
  readonly onError?: (error: unknown) => void
  /** Told when there is nothing left to do for now. */
  readonly onRest?: () => void
}

/** Archives what is old enough, now and then, until the signal aborts. Several may: what one has done, another finds done. */
export async function keepArchive(connection: Queryable, store: ArchiveStore, options: KeepArchiveOptions): Promise<void> {
  const { signal, everyMs = 60_000, onError, onRest } = options
  while (!signal.aborted) {
    try {
      await archiveOnce(connection, store, options)
      onRest?.()
    } catch (error) {
      if (!signal.aborted && !isArtifactError(error, 'revision-conflict')) onError?.(error)
    }
    await createBell().wait(0, everyMs, signal)
  }
}

/**
 * Does all that is due: archives what is old enough, a segment at a time, detaches partitions that are archived whole, and drops the tables of
 * those that were detached long enough ago. Every step is a transaction of its own, and safe to be the last one.
 * @throws what the store and the database throw.
 */
export async function archiveOnce(connection: Queryable, store: ArchiveStore, options: ArchiveOnceOptions): Promise<void> {
  const { signal, eventsPerSecond = 20_000, onStep } = options
  let busy = false
  while (!signal?.aborted) {
    // One that is busy is left alone until the next time, and archiving goes on behind it.
    const retired: Retirement | undefined = busy ? undefined : await detachArchived(connection)
    if (retired) {
      busy = retired.outcome === 'busy'
      onStep?.({ step: retired.outcome, partition: retired.partition })
    }
    const begun = performance.now()
    const segment = await archiveNext(connection, store, options)
    if (segment) {
      onStep?.({ step: 'archived', segment })
      const due = begun + ((segment.lastSequence - segment.firstSequence + 1) / eventsPerSecond) * 1000
      await createBell().wait(0, Math.max(0, due - performance.now()), signal)
    } else if (retired?.outcome !== 'detached') break
  }
  while (!signal?.aborted) {
    const dropped = await dropDetached(connection, store, options)
    if (dropped === undefined) return
    onStep?.({ step: 'dropped', partition: dropped })
  }
}
