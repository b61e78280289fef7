import { type EventSelection, eventSelector } from '@artifact-store/core'
import type { RecentEvents } from './recent-events.ts'
import type { EventPage, SelectLog } from './selected-log.ts'

export interface FollowOptions {
  readonly select: SelectLog
  readonly recent: RecentEvents
  readonly selection: EventSelection
  readonly after: number
  readonly signal: AbortSignal
}

/** How many events of the past are read at once. */
const pageSize = 500
const pageBytes = 1024 * 1024
/** How long one waits for the bell, in milliseconds, before looking all the same. */
const longestWaitMs = 60_000

/**
 * What is asked for, without end: the past from the log, then what comes. The first page is there at once, empty or not; from then on there is
 * one whenever `position` has moved. Only so much is read ahead as one page, so whoever is slow slows this and nothing else. Ends when
 * the signal aborts.
 * @throws ArtifactError `invalid-request` when the log ends before `after`; what reading the log throws.
 */
export async function* followSelected(options: FollowOptions): AsyncGenerator<EventPage, void, undefined> {
  const { recent, selection, after, signal } = options
  const log = options.select(selection)
  let page = await log.page(after, pageSize, pageBytes)
  while (!page.atEnd) {
    const next = log.page(page.position, pageSize, pageBytes)
    // Nobody may be left to hear of it, when the one who reads has gone.
    next.catch(() => undefined)
    yield page
    if (signal.aborted) return
    page = await next
  }

  const isSelected = eventSelector(selection)
  using live = await recent.join()
  yield page
  let { position } = page
  while (!signal.aborted) {
    const known = live.bell.count
    const events = live.since(position)
    if (events === undefined) {
      page = await log.page(position, pageSize, pageBytes)
      position = page.position
      yield page
      continue
    }
    const last = events.at(-1)
    if (last === undefined) {
      await live.bell.wait(known, longestWaitMs, signal)
      continue
    }
    position = last.sequence
    yield { events: events.filter(isSelected), position, atEnd: false }
  }
}
