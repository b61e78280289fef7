import { Hono } from 'hono'
import type { AppOptions } from './app.ts'
import type { AppEnv } from './app-env.ts'
import { version } from './version.ts'

/** `/health/live`: the event loop turns. `/health/ready`: the work can be done (503 if not). `/health`: that and what runs here. */
export function healthRoutes({ name, health, metrics }: AppOptions): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()
  routes.get('/health/live', c => c.json({ status: 'live' }))
  routes.get('/health/ready', async c => {
    const readiness = await health.readiness()
    return c.json(readiness, readiness.status === 'ready' ? 200 : 503)
  })
  routes.get('/health', async c => {
    const readiness = await health.readiness()
    const about = { name, version, node: process.version, uptimeSeconds: Math.round(process.uptime()) }
    return c.json({ ...about, ...readiness }, readiness.status === 'ready' ? 200 : 503)
  })
  routes.get('/metrics', async c => c.body(await metrics.metrics(), 200, { 'Content-Type': metrics.contentType }))
  return routes
}
