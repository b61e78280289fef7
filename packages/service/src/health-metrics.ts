import { Gauge, type Registry } from 'prom-client'
import type { Health } from './health.ts'

/** Registers what readiness says, for those who can only read metrics. A scrape asks as a probe does. */
export function healthMetrics(registry: Registry, health: Health): void {
  const registers = [registry]
  new Gauge({
    name: 'artifact_store_ready',
    help: 'Whether the process is ready, as /health/ready says: 1 or 0.',
    registers,
    async collect() {
      const { status } = await health.readiness()
      this.set(Number(status === 'ready'))
    },
  })
  new Gauge({
    name: 'artifact_store_check',
    help: 'How each check of /health/ready stands: 1 for the state that it is in, else 0. Only failing makes a process unready.',
    labelNames: ['check', 'state'],
    registers,
    async collect() {
      const { checks } = await health.readiness()
      for (const [check, { state: now }] of Object.entries(checks))
        for (const state of ['ok', 'warning', 'failing'] as const) this.set({ check, state }, Number(state === now))
    },
  })
}
