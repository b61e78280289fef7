import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { type AppEnv, outgoingOf } from './app-env.ts'
import { inRequest } from './request-context.ts'
import type { RequestObserver } from './request-observer.ts'

/** Observes what an app is asked, also where it is asked without a server (`app.request()`). */
export function observeRequests(observer: RequestObserver): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const { method, path } = c.req
    const observed = observer.begin({ method, path, header: name => c.req.header(name) })
    const { context } = observed
    c.set('requestId', context.requestId)
    const outgoing = outgoingOf(c)
    if (outgoing !== undefined) {
      observed.endWith(c.env.incoming, outgoing, () => ({ route: routeOf(c) }))
      await inRequest(context, next)
      return
    }
    await inRequest(context, next)
    c.header('X-Request-Id', context.requestId)
    observed.end(c.res.status, { route: routeOf(c) })
  }
}

function routeOf(c: Context<AppEnv>): string {
  return matchedRoutes(c).findLast(route => route.method !== 'ALL')?.path ?? 'unmatched'
}
