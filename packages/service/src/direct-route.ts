import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { App } from './app.ts'
import { problemOf } from './problem.ts'
import { writeProblem } from './problem-response.ts'
import { logFields } from './request-context.ts'
import { createRequestObserver, type ObserverOptions } from './request-observer.ts'

/** Answers a request on Node's own response, if it is one of its own: then it answers true, at once. */
export type DirectHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean

export interface DirectRoute {
  readonly method: string
  /** Compared as it is, without parameters or a query. */
  readonly path: string
  /** Writes the answer. What it throws is answered as its problem document. */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>
}

/**
 * Puts a route before the app, for what is asked so often that the app's own work would be most of the time: the app costs several
 * times what Node's server does (`npm run bench -- http`). It gives requests their id, measures and logs them and words errors as the app
 * does, but says only at `debug` what went well and who was pushed back. The app has the route as well, for whoever adds a query to the path, and to know
 * which methods it supports.
 */
export function mountDirect(app: App, route: DirectRoute, options: ObserverOptions): DirectHandler {
  app.on(route.method, route.path, async ({ env: { incoming, outgoing } }) => {
    await route.handle(incoming, outgoing)
    return RESPONSE_ALREADY_SENT
  })
  return directHandler(route, options)
}

function directHandler(route: DirectRoute, options: ObserverOptions): DirectHandler {
  const { method, path } = route
  const { logger } = options
  const observer = createRequestObserver(options)
  return (incoming, outgoing) => {
    if (incoming.url !== path || incoming.method !== method) return false
    const observed = observer.begin({ method, path, header: name => incoming.headers[name]?.toString() })
    let quiet = true
    observed.endWith(incoming, outgoing, () => ({ route: path, level: quiet ? 'debug' : 'info' }))
    // Outside of `inRequest`, which costs more than all else here: a handler that logs by itself names the request by itself.
    route.handle(incoming, outgoing).catch((error: unknown) => {
      const { status, kind } = problemOf(error)
      const seen = { err: error, kind, ...logFields(observed.context), method, path }
      // Those who are pushed back come in crowds, and the measurements count them.
      quiet = kind === 'overloaded'
      if (outgoing.destroyed) logger.debug(seen, 'request failed after the client had left')
      else if (status >= 500 && !quiet) logger.error(seen, 'request failed')
      else logger.debug(seen, 'request refused')
      writeProblem(outgoing, error)
    })
    return true
  }
}
