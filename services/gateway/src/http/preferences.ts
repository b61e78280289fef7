import type { AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'

/** Preferences that are known here (RFC 7240). A client that states another one is answered as if it had not. */
export type Preference = keyof typeof patterns

const patterns = {
  /** Not to wait until reads show what was written. */
  'respond-async': /(^|,)\s*respond-async\s*(,|;|$)/i,
  /** To be sent to where bytes lie, which the client then proves itself. */
  redirect: /(^|,)\s*redirect\s*(,|;|$)/i,
} as const

export function prefers(c: Context<AppEnv>, preference: Preference): boolean {
  const said = c.req.header('prefer')
  return said !== undefined && patterns[preference].test(said)
}
