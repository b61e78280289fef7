import {
  createTraceMeeting,
  createTraceTeller,
  defaultStreamName,
  type Published,
  type Queryable,
  readTraces,
  traceChannel,
} from '@artifact-store/log'
import { contextOf, listen, type Scope } from '@artifact-store/service'
import { type AppendTraces, appendTraces } from './append-traces.ts'
import type { LogWriterConfig } from './config.ts'

/** What this process does with traced events, as spans. */
export interface Traces extends AppendTraces {
  /** A batch is in the stream. */
  published(published: Published): void
  /** The trace of an event, if it is known here. */
  traceparentOf(sequence: number): string | undefined
}

/**
 * Traces appends and what the relay publishes of them, and tells other processes by PostgreSQL's NOTIFY which events are traced: projectors, and the
 * log-writer that relays. Undefined where nothing is traced.
 */
export async function startTraces(config: LogWriterConfig, scope: Scope, connection: Queryable): Promise<Traces | undefined> {
  const { tracing, logger, signal } = scope
  if (!tracing) return undefined
  const meeting = createTraceMeeting(({ traceparent }, { begun, ended, firstSequence, lastSequence }) =>
    tracing
      .start('publish', {
        kind: 'producer',
        parent: contextOf(traceparent),
        startedAt: begun,
        attributes: {
          'messaging.system': 'nats',
          'messaging.operation.type': 'send',
          'messaging.destination.name': defaultStreamName,
          'messaging.batch.message_count': lastSequence - firstSequence + 1,
        },
      })
      .end(ended),
  )
  const tell = createTraceTeller(connection, error =>
    logger.debug({ err: error }, 'could not tell which events are traced; their traces end here'),
  )
  if (config.NATS_URL) {
    const hear = (payload: string | undefined): void => {
      for (const events of readTraces(payload ?? '')) meeting.traced(events)
    }
    const options = { signal, logger, applicationName: 'artifact-store log-writer traces' }
    scope.use(await listen(config.DATABASE_URL, traceChannel, hear, options))
  }
  const appends = appendTraces(tracing)
  return {
    begin: appends.begin,
    batch(batch) {
      appends.batch(batch)
      // Before the relay is rung, so that it knows them when it reads them.
      for (const events of batch.traced) meeting.traced(events)
      tell(batch.traced)
    },
    published({ events, lastSequence, seconds }) {
      const ended = Date.now()
      meeting.done({ firstSequence: lastSequence - events + 1, lastSequence, begun: ended - seconds * 1000, ended })
    },
    traceparentOf: meeting.traceparentOf,
  }
}
