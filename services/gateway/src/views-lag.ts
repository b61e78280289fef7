import type { LogReader } from '@artifact-store/log'
import type { Warning } from '@artifact-store/service'

/** As long as writers wait for the views before they are told that these are behind. */
const patienceMs = 15_000

/** For readiness: how far the views are behind the log. Reads go on, and writers are told, so a gateway whose views stand still is ready. */
export async function tellViewsLag(log: LogReader, viewsPosition: () => Promise<number>): Promise<string | Warning> {
  const position = await viewsPosition()
  const head = await log.head()
  const [oldest] = head > position ? await log.fetchSince(position, 1) : []
  const lagMs = oldest ? Date.now() - oldest.createdAt.getTime() : 0
  if (lagMs <= patienceMs) return `views at ${position}, log at ${head}`
  return {
    warning: `views at ${position}, log at ${head}: what was written ${Math.round(lagMs / 1000)} s ago is not shown yet; see the projector's /health/ready`,
  }
}
