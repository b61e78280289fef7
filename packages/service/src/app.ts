import { ArtifactError } from '@artifact-store/core'
import { Hono } from 'hono'
import type { Registry } from 'prom-client'
import type { AppEnv } from './app-env.ts'
import type { Health } from './health.ts'
import { healthRoutes } from './health-routes.ts'
import type { Logger } from './logger.ts'
import { observeRequests } from './observe-requests.ts'
import { problemOf } from './problem.ts'
import { problemResponse } from './problem-response.ts'
import { createRequestObserver } from './request-observer.ts'
import type { Tracing } from './tracing/tracing.ts'

export type App = Hono<AppEnv>

export interface AppOptions {
  readonly name: string
  readonly logger: Logger
  readonly metrics: Registry
  readonly health: Health
  readonly tracing?: Tracing | undefined
}

/**
 * An app with what every service answers alike: request ids (`X-Request-Id`), one log line and one measurement a request,
 * problem documents for errors, unknown addresses (404) and unsupported methods (405 with `Allow`), and `/health`,
 * `/health/live`, `/health/ready` and `/metrics`. Add routes to it; middleware that is added later, such as the one that asks
 * for a token, does not stand before those four.
 */
export function createApp(options: AppOptions): App {
  const app: App = new Hono()
  app.use(observeRequests(createRequestObserver(options)))
  app.onError((error, c) => {
    const { status, kind } = problemOf(error)
    const seen = { err: error, kind, requestId: c.get('requestId'), method: c.req.method, path: c.req.path }
    if (c.req.raw.signal.aborted) options.logger.debug(seen, 'request failed after the client had left')
    else if (status >= 500) options.logger.error(seen, 'request failed')
    else options.logger.debug(seen, 'request refused')
    return problemResponse(c, error)
  })
  app.notFound(c => problemResponse(c, nothingThere(app, c.req.method, c.req.path)))
  app.route('/', healthRoutes(options))
  return app
}

function nothingThere(app: App, method: string, path: string): ArtifactError {
  const allow = methods.filter(other => answers(app, other === 'HEAD' ? 'GET' : other, path))
  if (allow.length === 0) return new ArtifactError('route-not-found', `there is nothing at ${path}`)
  return new ArtifactError('method-not-allowed', `${path} does not support ${method}; it supports ${allow.join(', ')}`, {
    details: { allow },
  })
}

function answers(app: App, method: string, path: string): boolean {
  // Middleware matches every method and is registered under ALL.
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method)
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
