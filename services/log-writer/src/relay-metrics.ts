import type { RecordedEvent } from '@artifact-store/core'
import type { LogReader, Published, RelayStatus } from '@artifact-store/log'
import { Gauge, Histogram, type Registry } from 'prom-client'

/** How the relay of this process stands: as `RelayStatus` says while it leads, and `standby` while another process does. */
export type RelayState = RelayStatus['state'] | 'standby'

export interface RelayMetrics {
  /** A batch is in the stream. */
  published(published: Published): void
}

export interface RelayNow {
  readonly state: RelayState
  readonly streamSequence: number
}

/** Registers how the relay stands, how far behind the stream is, and what publishing takes. */
export function relayMetrics(registry: Registry, log: LogReader<RecordedEvent>, now: () => RelayNow): RelayMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string, look: () => Promise<number>): void => {
    new Gauge({
      name,
      help: `${help}; NaN on a standby and while the log cannot be read.`,
      registers,
      async collect() {
        // The log is asked now: a relay that is cut off has not looked at it for a while.
        this.set(now().state === 'standby' ? Number.NaN : await look().catch(() => Number.NaN))
      },
    })
  }
  gauge('artifact_store_relay_lag_events', 'Events that are in the log and, as far as known, not yet in the stream', async () =>
    Math.max(0, (await log.head()) - now().streamSequence),
  )
  gauge(
    'artifact_store_relay_lag_seconds',
    'Age of the oldest event that is not yet in the stream; 0 when there is none',
    async () => {
      const [oldest] = await log.fetchSince(now().streamSequence, 1)
      return oldest ? Math.max(0, (Date.now() - oldest.createdAt.getTime()) / 1000) : 0
    },
  )
  new Gauge({
    name: 'artifact_store_relay_state',
    help: 'The state of the relay: 1 for the one that it is in.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of ['standby', 'starting', 'relaying', 'disconnected', 'forked'] as const)
        this.set({ state }, Number(now().state === state))
    },
  })
  const batchSize = new Histogram({
    name: 'artifact_store_relay_publish_batch_size',
    help: 'Events that went to the broker together and were acknowledged together.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  })
  const duration = new Histogram({
    name: 'artifact_store_relay_publish_duration_seconds',
    help: 'Time from handing a batch to the broker until it was acknowledged.',
    buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  return {
    published({ events, seconds }) {
      batchSize.observe(events)
      duration.observe(seconds)
    },
  }
}
