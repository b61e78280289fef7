import type { LogReader } from '@artifact-store/log'

/** The log as it was when its last event was number `last`. */
export function logUpTo(log: LogReader, last: number): LogReader {
  return {
    fetchSince: async (after, limit) => (after >= last ? [] : log.fetchSince(after, Math.min(limit, last - after))),
    head: async () => Math.min(last, await log.head()),
  }
}
