import { type AppEnv, outgoingOf } from '@artifact-store/service'
import type { Context } from 'hono'

/** Sets a field of the answer, whoever writes it: it is kept on Node's own response, where there is one. */
export function setHeader(c: Context<AppEnv>, name: string, value: string): void {
  const outgoing = outgoingOf(c)
  if (outgoing) outgoing.setHeader(name, value)
  else c.header(name, value)
}
