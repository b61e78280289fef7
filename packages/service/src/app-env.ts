import type { ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

/** What handlers find in their context: Node's own request and response, and the id of the request. */
export interface AppEnv {
  Bindings: HttpBindings
  Variables: { requestId: string }
}

/** Node's response, or undefined where the app is called without a server (`app.request()`). */
export function outgoingOf(c: Context<AppEnv>): ServerResponse | undefined {
  const env: Partial<HttpBindings> | undefined = c.env
  return env?.outgoing
}
