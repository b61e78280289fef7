import { ArtifactError, isArtifactError, type StoredEvent } from '@artifact-store/core'
import type { EventFilter } from '../event-filter.ts'
import type { Queryable } from '../postgres/queryable.ts'
import type { ArchiveStore } from './archive-store.ts'
import { findSegments } from './catalogue.ts'
import { openSegment } from './open-segment.ts'
import { type SegmentCache, segmentCache } from './segment-cache.ts'

/** The archived part of one log, for the readers of a process: they share what was read last. */
export interface LogArchive {
  readonly store: ArchiveStore
  readonly segments: SegmentCache
}

export interface LogArchiveOptions {
  /** How many bytes of segments are kept in memory; 64 MiB unless told. */
  readonly cacheBytes?: number
}

export function openLogArchive(store: ArchiveStore, { cacheBytes = 64 * 1024 * 1024 }: LogArchiveOptions = {}): LogArchive {
  // For all who wait for it, so it ends with none of them.
  const open = segmentCache(entry => openSegment(store, entry, AbortSignal.timeout(openWithinMs)), cacheBytes)
  return { store, segments: open }
}

const openWithinMs = 60_000
/** How many segments one read looks into at most: that of a rare type goes on in the next read, from where this one ended. */
const segmentsAtOnce = 4

export interface ArchivedStretch {
  /** Begin behind this sequence. */
  readonly after: number
  /** The first sequence that is in the table. */
  readonly before: number
  readonly limit: number
  readonly filter: EventFilter
}

/**
 * Reads a stretch of the log that is in no partition any more.
 * @returns events in order, and up to where all were given; undefined where the segments do not reach to `before`, as far as this connection sees.
 * @throws ArtifactError `archive-damaged`, `log-unavailable`; `configuration` where this process was given no archive.
 */
export async function readArchived(
  connection: Queryable,
  archive: LogArchive | undefined,
  { after, before, limit, filter }: ArchivedStretch,
): Promise<{ readonly events: readonly StoredEvent[]; readonly position: number } | undefined> {
  if (!archive) throw noArchive(before)
  const found = await findSegments(connection, filter, { after, before, limit: segmentsAtOnce })
  if (found.archivedTo < before - 1) return undefined
  const events: StoredEvent[] = []
  let position = after
  for (const entry of found.segments) {
    const segment = await archive.segments.open(entry)
    const more = inSegment(entry, () => segment.events(position, limit - events.length, filter))
    for (const event of more) events.push(event)
    const last = events.at(-1)
    if (last && events.length === limit) return { events, position: last.sequence }
    position = entry.lastSequence
  }
  return { events, position: found.segments.length < segmentsAtOnce ? Math.max(position, before - 1) : position }
}

/** A line that cannot be read is told with the segment that it is in. */
function inSegment<T>(entry: { firstSequence: number; lastSequence: number; digest: string }, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!isArtifactError(cause, 'archive-damaged')) throw cause
    const { firstSequence, lastSequence, digest } = entry
    throw new ArtifactError(
      'archive-damaged',
      `the segment ${digest} with the events ${firstSequence} to ${lastSequence} of the log cannot be read: ${cause.message}`,
      { cause, details: { firstSequence, lastSequence, digest } },
    )
  }
}

/** @param before the first sequence that is in the table. */
export function noArchive(before: number): ArtifactError {
  return new ArtifactError(
    'configuration',
    `the events up to ${before - 1} are in the log's archive, and this process was not told where that is: set LOG_ARCHIVE_URL as the log-writer has it`,
    { details: { archivedTo: before - 1 } },
  )
}

/** Nothing that this code does leads there: somebody took events away by hand, or reads in a transaction that began before a partition was detached. */
export function hole(from: number, to: number): ArtifactError {
  return new ArtifactError(
    'archive-damaged',
    `the events ${from} to ${to} are neither in the table of the log nor in a segment that is known here: within a transaction, read in one that begins now; else attach the partition again that held them`,
    { details: { firstSequence: from, lastSequence: to } },
  )
}
