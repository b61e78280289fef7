import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'

/** Node's own request and response, on which bytes move fastest; absent where the app is called without a server. */
export function rawOf(c: Context<AppEnv>): { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse } {
  const env: Partial<AppEnv['Bindings']> | undefined = c.env
  return env ?? {}
}
