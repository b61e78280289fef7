import { ArtifactError } from '@artifact-store/core'
import { type Bell, eventSource, type LogReader, openJetStream, type RelayStatus, runRelay } from '@artifact-store/log'
import { connectNats, type Scope } from '@artifact-store/service'
import { Gauge } from 'prom-client'
import type { LogWriterConfig } from './config.ts'

/** Starts the relay to JetStream, and tells of it in readiness and metrics. The log is written whether or not the broker is there. */
export function startRelay(config: LogWriterConfig, scope: Scope, log: LogReader, bell: Bell): void {
  const { logger, health, metrics, signal } = scope
  if (!config.NATS_URL) {
    logger.info('no NATS_URL: events are not relayed, and wake-ups come from PostgreSQL')
    return
  }
  const url = config.NATS_URL
  let status: RelayStatus = { state: 'starting', streamSequence: 0, logSequence: 0 }
  new Gauge({
    name: 'artifact_store_relay_lag_events',
    help: 'Events that are in the log and not yet in the stream.',
    registers: [metrics],
    collect() {
      this.set(Math.max(0, status.logSequence - status.streamSequence))
    },
  })
  new Gauge({
    name: 'artifact_store_relay_state',
    help: 'The state of the relay: 1 for the one that it is in.',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      for (const state of ['starting', 'relaying', 'disconnected', 'forked'] as const)
        this.set({ state }, Number(status.state === state))
    },
  })
  // A broker that is away delays subscribers and nobody else (promise 5), so it does not make the writer unready; a fork does.
  health.check('relay', async () => {
    if (status.state === 'forked') throw new ArtifactError('stream-forked', status.message ?? 'the stream is ahead of the log')
    return `${status.state}: stream at ${status.streamSequence}, log at ${status.logSequence}`
  })
  const relaying = (async () => {
    await using nats = await connectNats(url, { name: 'artifact-store log-writer', logger, signal })
    await using stream = openJetStream({ connection: nats.connection, source: eventSource, replicas: config.NATS_REPLICAS })
    await runRelay({
      log,
      stream,
      bell,
      signal,
      onState(next) {
        if (next.state !== status.state)
          logger[next.state === 'forked' ? 'error' : 'info'](
            { relay: { ...next, cause: undefined }, err: next.cause },
            `relay: ${next.state}`,
          )
        status = next
      },
    })
  })().catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'the relay has stopped')
  })
  scope.defer(() => relaying)
}
