import { ArtifactError, type RecordedEvent } from '@artifact-store/core'
import { type Bell, eventSource, type LogReader, logChannel, openJetStream, type Published, runRelay } from '@artifact-store/log'
import {
  connectNats,
  lead,
  leaderLocks,
  leadingGauge,
  listen,
  type Scope,
  type Secret,
  type Warning,
} from '@artifact-store/service'
import type { LogWriterConfig } from './config.ts'
import { type RelayMetrics, type RelayState, relayMetrics } from './relay-metrics.ts'
import type { Traces } from './traces.ts'

/**
 * Starts the relay to JetStream, and tells of it in readiness and metrics. Of several log-writers one relays and the others stand by: not
 * for the stream's sake, which takes every event once however many relay, but so that they do not refuse each other. The log is
 * written whether or not the broker is there.
 * @param appended by this process: its bell rings when it has appended something. When others have, it is rung here.
 */
export async function startRelay(
  config: LogWriterConfig,
  scope: Scope,
  log: LogReader<RecordedEvent>,
  appended: Appended,
): Promise<void> {
  const { logger, health, signal } = scope
  const { NATS_URL: url, NATS_REPLICAS: replicas } = config
  if (!url) {
    logger.info('no NATS_URL: events are not relayed, and wake-ups come from PostgreSQL')
    return
  }
  let now: RelayNow = standby
  const onState = (next: RelayNow) => {
    const { cause, ...relay } = next
    if (next.state !== now.state)
      logger[next.state === 'forked' ? 'error' : 'info']({ relay, err: cause }, `relay: ${next.state}`)
    now = next
  }
  const metrics = relayMetrics(scope.metrics, log, () => now)
  const leading = leadingGauge(scope.metrics)
  leading.set({ work: 'relay' }, 0)
  // A broker that is away delays subscribers and nobody else (promise 5), so it does not make the writer unready; a fork does.
  health.check('relay', async () => tell(now))
  await ringForOthers(config, scope, appended.bell, () => Math.max(now.streamSequence, appended.last()))
  const relaying = lead({
    databaseUrl: config.DATABASE_URL,
    lock: leaderLocks.relay,
    name: 'relay',
    logger,
    signal,
    work: elected => relay(url, elected, { log, replicas, scope, appended, metrics, onState }),
    onChange(elected) {
      leading.set({ work: 'relay' }, Number(elected))
      onState(elected ? { ...standby, state: 'starting' } : standby)
    },
  }).catch((cause: unknown) => {
    if (!signal.aborted) onState({ ...now, state: 'disconnected', message: 'the relay has stopped; the log says why', cause })
  })
  scope.defer(() => relaying)
}

/** What this process has appended. */
interface Appended {
  readonly bell: Bell
  /** The last sequence of it; 0 before the first. */
  readonly last: () => number
  /** Where what is published is traced. */
  readonly traces: Traces | undefined
}

/** What is known of the stream by the one who relays to it. */
interface RelayNow {
  readonly state: RelayState
  readonly streamSequence: number
  readonly logSequence: number
  readonly message?: string | undefined
  readonly cause?: unknown
}

const standby: RelayNow = { state: 'standby', streamSequence: 0, logSequence: 0 }

function tell({ state, streamSequence, logSequence, message }: RelayNow): string | Warning {
  if (state === 'standby') return 'standby: another log-writer relays'
  if (state === 'forked') throw new ArtifactError('stream-forked', message ?? 'the stream is ahead of the log')
  if (state === 'disconnected') return { warning: `disconnected: ${message ?? 'the broker is away'}` }
  const where = `${state}: stream at ${streamSequence}, log at ${logSequence}`
  return message ? { warning: `${where}; ${message}` } : where
}

interface RelayParts {
  readonly log: LogReader<RecordedEvent>
  readonly replicas: number
  readonly scope: Scope
  readonly appended: Appended
  readonly metrics: RelayMetrics
  readonly onState: (now: RelayNow) => void
}

async function relay(url: Secret, signal: AbortSignal, parts: RelayParts): Promise<void> {
  const { log, replicas, scope, appended, metrics, onState } = parts
  const { bell, traces } = appended
  await using nats = await connectNats(url, { name: 'artifact-store log-writer', logger: scope.logger, signal })
  await using stream = openJetStream({
    connection: nats.connection,
    source: eventSource,
    replicas,
    traceparentOf: traces?.traceparentOf,
  })
  const onPublished = (published: Published): void => {
    metrics.published(published)
    traces?.published(published)
  }
  await runRelay({ log, stream, bell, signal, onState, onPublished })
}

/** Rings for what other log-writers have appended, behind what the relay knows of: another read for what it has heard of would hold up the next. */
async function ringForOthers(config: LogWriterConfig, { logger, signal, use }: Scope, bell: Bell, known: () => number) {
  const onNotify = (last: string | undefined) => {
    // After a loss of the connection nobody knows what was missed.
    if (last === undefined || Number(last) > known()) bell.ring()
  }
  use(await listen(config.DATABASE_URL, logChannel, onNotify, { signal, logger, applicationName: 'artifact-store log-writer' }))
}
