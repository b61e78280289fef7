import { randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Registry } from 'prom-client'
import { type AppEnv, outgoingOf } from './app-env.ts'
import type { Logger } from './logger.ts'
import { requestHistogram } from './metrics.ts'

/**
 * Gives every request an id (the client's own `X-Request-Id` where that is harmless, else a UUID), answers it in the same
 * header, and measures and logs the request when the last byte of its answer is out, however that was written.
 */
export function observeRequests(logger: Logger, metrics: Registry): MiddlewareHandler<AppEnv> {
  const durations = requestHistogram(metrics)
  return async (c, next) => {
    const startedAt = performance.now()
    const requestId = requestIdOf(c.req.header('x-request-id'))
    c.set('requestId', requestId)
    const observe = (status: number, complete: boolean): void => {
      const seconds = (performance.now() - startedAt) / 1000
      const { method } = c.req
      const route = routeOf(c)
      durations.observe({ method, route, status: String(status) }, seconds)
      const line = { requestId, method, path: c.req.path, route, status, ms: Math.round(seconds * 1e5) / 100 }
      const quiet = status < 400 && (method === 'GET' || method === 'HEAD')
      logger[quiet ? 'debug' : 'info'](complete ? line : { ...line, complete }, 'request')
    }
    const outgoing = outgoingOf(c)
    if (outgoing === undefined) {
      await next()
      c.header('X-Request-Id', requestId)
      observe(c.res.status, true)
      return
    }
    // On Node's response itself, so that it is there also when a handler writes that without Hono.
    outgoing.setHeader('X-Request-Id', requestId)
    outgoing.once('close', () => observe(outgoing.headersSent ? outgoing.statusCode : 499, outgoing.writableFinished))
    await next()
  }
}

/** The id that the client gave, where that is harmless, else a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : randomUUID()
}

/** The pattern of the route that answered; never the path itself, of which there are endlessly many. */
function routeOf(c: Context<AppEnv>): string {
  return matchedRoutes(c).findLast(route => route.method !== 'ALL')?.path ?? 'unmatched'
}
