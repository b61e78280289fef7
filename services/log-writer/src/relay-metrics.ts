import type { LogReader, RelayStatus } from '@artifact-store/log'
import { Gauge, type Registry } from 'prom-client'

/** Registers how the relay stands, and how far behind the stream is. */
export function relayMetrics(metrics: Registry, log: LogReader, status: () => RelayStatus): void {
  new Gauge({
    name: 'artifact_store_relay_lag_events',
    help: 'Events that are in the log and, as far as known, not yet in the stream; NaN while the log cannot be read.',
    registers: [metrics],
    async collect() {
      // Asked now: a relay that is cut off has not looked at the log for a while.
      const head = await log.head().catch(() => Number.NaN)
      this.set(Math.max(0, head - status().streamSequence))
    },
  })
  new Gauge({
    name: 'artifact_store_relay_state',
    help: 'The state of the relay: 1 for the one that it is in.',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      for (const state of ['starting', 'relaying', 'disconnected', 'forked'] as const)
        this.set({ state }, Number(status().state === state))
    },
  })
}
