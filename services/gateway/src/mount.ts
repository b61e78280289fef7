import { parsePosition } from '@artifact-store/core'
import { type App, type AppEnv, readJson } from '@artifact-store/service'
import type { Context } from 'hono'
import { z } from 'zod'
import type { GatewayContext } from './context.ts'
import { authenticate, authorize } from './http/authenticate.ts'
import { clientSignal } from './http/client-signal.ts'
import { rawOf } from './http/raw.ts'
import { refuseUnfaithfulTarget } from './http/raw-target.ts'
import { setHeader } from './http/set-header.ts'
import { minPositionHeader } from './http/with-position.ts'
import type { Admission } from './limits/token-limits.ts'
import type { Route } from './route.ts'
import { type Answerer, mountMethodOverride } from './uploads/method-override.ts'
import { everyTusAnswer } from './uploads/tus-protocol.ts'

/** Puts the routes on the app: who calls, may they, what did they send; then the handler. */
export function mountRoutes(app: App, routes: readonly Route[], gateway: GatewayContext): void {
  app.use('/v1/*', async (c, next) => {
    refuseUnfaithfulTarget(rawOf(c).incoming?.url ?? '/')
    await next()
  })
  for (const path of ['/v1/uploads', uploadPath]) {
    app.use(path, async (c, next) => {
      for (const [name, value] of Object.entries(everyTusAnswer)) setHeader(c, name, value)
      await next()
    })
  }
  const onUploads = new Map<string, Answerer>()
  for (const route of routes) {
    const answer: Answerer = async c => {
      const caller = await authenticate(gateway.tokens, c.req.header('authorization'), new Date())
      let admission: Admission | undefined
      try {
        admission = gateway.tokenLimits?.enter(caller.tokenId)
        authorize(caller, route.scope)
        const params = (route.params ?? nothing).parse(c.req.param())
        const query = (route.query ?? nothing).parse(singleOrList(c.req.queries()))
        const body = route.body?.kind === 'json' && !isOther(c, route.body.or) ? await readJson(c, route.body.schema) : undefined
        const signal = clientSignal(c)
        const least = c.req.header(minPositionHeader)
        if (least !== undefined) await gateway.follower.reached(parsePosition(least), signal)
        return await route.handle({ c, gateway, caller, params, query, body, signal })
      } catch (error) {
        gateway.countRefusal(error)
        throw error
      } finally {
        admission?.leave()
      }
    }
    const [method, path] = [route.method.toUpperCase(), honoPath(route.path)]
    app.on(method, path, answer)
    if (path === uploadPath) onUploads.set(method, answer)
  }
  mountMethodOverride(app, uploadPath, onUploads)
}

/** One upload's address, as Hono writes it. */
const uploadPath = '/v1/uploads/:id'

const nothing = z.object({})

/** OpenAPI's `{id}` as Hono's `:id`; a parameter called `path` takes slashes too. */
function honoPath(template: string): string {
  return template.replaceAll('{path}', ':path{.+}').replaceAll(/\{(\w+)\}/g, ':$1')
}

/** Whether the body is of the media type that the route takes instead of JSON. */
function isOther(c: Context<AppEnv>, or: { readonly mediaType: string } | undefined): boolean {
  return or !== undefined && c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() === or.mediaType
}

function singleOrList(queries: Record<string, string[]>): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]))
}
