import type { LogReader } from '@artifact-store/log'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { AppliedBatch, ProjectionStatus } from './project.ts'

/** What may stand in the way of the views. */
const obstacles = ['poison-event', 'backend-unavailable', 'log-unavailable', 'archive-damaged', 'configuration'] as const

export interface ProjectionMetrics {
  /** These events went into the views. */
  readonly onBatch: (batch: AppliedBatch) => void
}

/** Registers how far the projection is, how far behind, and what its batches take. */
export function projectionMetrics(metrics: Registry, log: LogReader, look: () => Promise<ProjectionStatus>): ProjectionMetrics {
  const registers = [metrics]
  const gauge = (name: string, help: string, value: (status: ProjectionStatus) => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value(await look()))
      },
    })
  }
  gauge(
    'artifact_store_projection_position',
    'The sequence of the last event that was applied to the views.',
    ({ position }) => position,
  )
  gauge(
    'artifact_store_projection_lag_events',
    'Events that are in the log and not yet in the views; NaN while the log cannot be read.',
    async ({ position }) => Math.max(0, (await log.head().catch(() => Number.NaN)) - position),
  )
  gauge(
    'artifact_store_projection_lag_seconds',
    'Age of the oldest event that is not yet in the views; 0 when there is none, NaN while the log cannot be read.',
    ({ position }) => log.fetchSince(position, 1).then(ageOfFirst, () => Number.NaN),
  )
  new Gauge({
    name: 'artifact_store_projection_stopped',
    help: 'Whether something stands in the way of the views: for each kind of obstacle 1 or 0.',
    labelNames: ['kind'],
    registers,
    async collect() {
      const { obstacle } = await look()
      for (const kind of obstacles) this.set({ kind }, Number(obstacle?.kind === kind))
    },
  })
  const sizes = new Histogram({
    name: 'artifact_store_projection_batch_size',
    help: 'Events that were applied to the views in one transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
    registers,
  })
  const durations = new Histogram({
    name: 'artifact_store_projection_batch_duration_seconds',
    help: 'Time that applying a batch to the views took, until it was committed.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  return {
    onBatch({ firstSequence, lastSequence, seconds }) {
      sizes.observe(lastSequence - firstSequence + 1)
      durations.observe(seconds)
    },
  }
}

function ageOfFirst([first]: readonly { readonly createdAt: Date }[]): number {
  return first ? Math.max(0, (Date.now() - first.createdAt.getTime()) / 1000) : 0
}
