import { createTraceMeeting, readTraces, traceChannel } from '@artifact-store/log'
import { contextOf, listen, type Scope, type Secret } from '@artifact-store/service'
import type { AppliedBatch } from './project.ts'

/**
 * Traces what is applied to the views: log-writers tell which events are traced. @returns to be told of every batch; undefined where nothing is traced.
 */
export async function startTraces(scope: Scope, databaseUrl: Secret): Promise<((batch: AppliedBatch) => void) | undefined> {
  const { tracing, logger, signal } = scope
  if (!tracing) return undefined
  const meeting = createTraceMeeting(({ traceparent }, { begun, ended, firstSequence, lastSequence }) =>
    tracing
      .start('project', {
        kind: 'consumer',
        parent: contextOf(traceparent),
        startedAt: begun,
        attributes: { 'artifact_store.events': lastSequence - firstSequence + 1, 'artifact_store.position': lastSequence },
      })
      .end(ended),
  )
  const hear = (payload: string | undefined): void => {
    for (const events of readTraces(payload ?? '')) meeting.traced(events)
  }
  scope.use(await listen(databaseUrl, traceChannel, hear, { signal, logger, applicationName: 'artifact-store projector traces' }))
  return ({ firstSequence, lastSequence, seconds }) => {
    const ended = Date.now()
    meeting.done({ firstSequence, lastSequence, begun: ended - seconds * 1000, ended })
  }
}
