import type { Bell, EventFilter, PagedLogReader, Queryable } from '@artifact-store/log'
import type { Scope } from '@artifact-store/service'
import { type EventMetrics, eventMetrics } from './event-metrics.ts'
import { type RecentEvents, recentEvents } from './recent-events.ts'
import { type SelectLog, selectLog } from './selected-log.ts'
import { typesInLog } from './types-in-log.ts'

/** What the event routes work with. */
export interface EventsContext {
  readonly select: SelectLog
  readonly recent: RecentEvents
  readonly metrics: EventMetrics
}

export interface EventsOptions {
  readonly pool: Queryable
  readonly read: (filter?: EventFilter) => PagedLogReader
  /** Rings when the log has grown. */
  readonly bell: Bell
}

export function openEvents({ logger, metrics }: Scope, { pool, read, bell }: EventsOptions): EventsContext {
  const log = read()
  return {
    select: selectLog({ read, types: typesInLog(pool, log) }),
    recent: recentEvents({ log, bell, logger }),
    metrics: eventMetrics(metrics),
  }
}
