import { ArtifactError } from '@artifact-store/core'
import type { App, AppEnv } from '@artifact-store/service'
import type { Context } from 'hono'

/** Answers a request that has been routed. */
export type Answerer = (c: Context<AppEnv>) => Promise<Response>

/**
 * Takes a POST that says `X-HTTP-Method-Override` for a request of that method, for clients that cannot send PATCH or DELETE (tus 1.0).
 * @param methods what the address supports.
 */
export function mountMethodOverride(app: App, path: string, methods: ReadonlyMap<string, Answerer>): void {
  app.post(path, async c => {
    const meant = c.req.header('x-http-method-override')?.toUpperCase()
    const answer = methods.get(meant ?? 'POST')
    if (answer) return answer(c)
    const allow = [...methods.keys()]
    throw new ArtifactError(
      'method-not-allowed',
      `${c.req.path} does not support ${meant ?? 'POST'}; it supports ${allow.join(', ')}`,
      {
        details: { allow },
      },
    )
  })
}
