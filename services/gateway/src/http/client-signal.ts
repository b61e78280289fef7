import { type AppEnv, outgoingOf } from '@artifact-store/service'
import type { Context } from 'hono'

/** Aborts when the client has gone before the answer was complete. */
export function clientSignal(c: Context<AppEnv>): AbortSignal {
  const outgoing = outgoingOf(c)
  if (!outgoing) return c.req.raw.signal
  const controller = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort(new DOMException('the client went away', 'AbortError'))
  })
  return controller.signal
}
