import type { LogReader } from '@artifact-store/log'
import { Gauge, type Registry } from 'prom-client'
import type { ProjectionStatus } from './project.ts'

/** Registers how far the projection is, and how far behind. */
export function projectionMetrics(metrics: Registry, log: LogReader, status: () => ProjectionStatus): void {
  new Gauge({
    name: 'artifact_store_projection_position',
    help: 'The sequence of the last event that was applied to the views.',
    registers: [metrics],
    collect() {
      this.set(status().position)
    },
  })
  new Gauge({
    name: 'artifact_store_projection_lag_events',
    help: 'Events that are in the log and not yet in the views; NaN while the log cannot be read.',
    registers: [metrics],
    async collect() {
      const head = await log.head().catch(() => Number.NaN)
      this.set(Math.max(0, head - status().position))
    },
  })
  new Gauge({
    name: 'artifact_store_projection_stopped',
    help: 'Whether something stands in the way of the views: for each kind of obstacle 1 or 0.',
    labelNames: ['kind'],
    registers: [metrics],
    collect() {
      for (const kind of ['poison-event', 'backend-unavailable'] as const)
        this.set({ kind }, Number(status().obstacle?.kind === kind))
    },
  })
}
