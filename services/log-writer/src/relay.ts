import { ArtifactError } from '@artifact-store/core'
import {
  createBell,
  eventSource,
  type LogReader,
  logChannel,
  openJetStream,
  type RelayStatus,
  runRelay,
} from '@artifact-store/log'
import { connectNats, listen, type Scope, type Secret } from '@artifact-store/service'
import type { LogWriterConfig } from './config.ts'
import { relayMetrics } from './relay-metrics.ts'

/** Starts the relay to JetStream, and tells of it in readiness and metrics. The log is written whether or not the broker is there. */
export async function startRelay(config: LogWriterConfig, scope: Scope, log: LogReader): Promise<void> {
  const { logger, health, metrics, signal } = scope
  const { NATS_URL: url, NATS_REPLICAS: replicas } = config
  if (!url) {
    logger.info('no NATS_URL: events are not relayed, and wake-ups come from PostgreSQL')
    return
  }
  let status: RelayStatus = { state: 'starting', streamSequence: 0, logSequence: 0 }
  const onState = (next: RelayStatus) => {
    const { cause, ...relay } = next
    if (next.state !== status.state)
      logger[next.state === 'forked' ? 'error' : 'info']({ relay, err: cause }, `relay: ${next.state}`)
    status = next
  }
  relayMetrics(metrics, log, () => status)
  // A broker that is away delays subscribers and nobody else (promise 5), so it does not make the writer unready; a fork does.
  health.check('relay', async () => {
    if (status.state === 'forked') throw new ArtifactError('stream-forked', status.message ?? 'the stream is ahead of the log')
    if (status.state === 'disconnected') return `disconnected: ${status.message ?? 'the broker is away'}`
    return `${status.state}: stream at ${status.streamSequence}, log at ${status.logSequence}`
  })
  const relaying = relay(url, { log, replicas, scope, bell: await logBell(config, scope), onState }).catch((cause: unknown) => {
    if (!signal.aborted) onState({ ...status, state: 'disconnected', message: 'the relay has stopped; the log says why', cause })
  })
  scope.defer(() => relaying)
}

interface RelayParts {
  readonly log: LogReader
  readonly replicas: number
  readonly scope: Scope
  readonly bell: ReturnType<typeof createBell>
  readonly onState: (status: RelayStatus) => void
}

async function relay(url: Secret, { log, replicas, scope, bell, onState }: RelayParts): Promise<void> {
  const { logger, signal } = scope
  await using nats = await connectNats(url, { name: 'artifact-store log-writer', logger, signal })
  await using stream = openJetStream({ connection: nats.connection, source: eventSource, replicas })
  await runRelay({ log, stream, bell, signal, onState })
}

/** Rings for what any log-writer has appended, not only for our own. */
async function logBell(config: LogWriterConfig, { logger, signal, use }: Scope) {
  const bell = createBell()
  const options = { signal, logger, applicationName: 'artifact-store log-writer' }
  use(await listen(config.DATABASE_URL, logChannel, () => bell.ring(), options))
  return bell
}
