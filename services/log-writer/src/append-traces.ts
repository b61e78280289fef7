import type { Append, AppendOutcome, BatchReport } from '@artifact-store/log'
import { contextOf, spanFailed, type Tracing } from '@artifact-store/service'

/** Spans of appends, and of the batches in which they go to the database. */
export interface AppendTraces {
  /** A traced append has come. @returns to be called with its outcome, or with why it has none. */
  begin(append: Append, traceparent: string): (result: AppendOutcome | Error) => void
  /** The database has answered a batch, or failed it. */
  batch(batch: BatchReport): void
}

export function appendTraces(tracing: Tracing): AppendTraces {
  const batchOf = new WeakMap<Append, ReturnType<Tracing['start']>>()
  return {
    begin(append, traceparent) {
      const span = tracing.start('append in the log-writer', { kind: 'server', parent: contextOf(traceparent) })
      return result => {
        const batch = batchOf.get(append)
        if (batch) span.addLink({ context: batch.spanContext() })
        if (result instanceof Error) span.setStatus({ code: spanFailed, message: result.message })
        else span.setAttribute('artifact_store.outcome', result.outcome)
        span.end()
      }
    },
    batch({ traced, appends, events, bytes, seconds }) {
      const [first, ...others] = traced
      if (!first) return
      // It is part of the first one's trace, and has links to the others'.
      const span = tracing.start('append batch', {
        kind: 'client',
        parent: contextOf(first.traceparent),
        links: others.map(({ traceparent }) => contextOf(traceparent)),
        startedAt: Date.now() - seconds * 1000,
        attributes: {
          'db.system.name': 'postgresql',
          'artifact_store.appends': appends,
          'artifact_store.events': events,
          'artifact_store.bytes': bytes,
        },
      })
      for (const { append } of traced) batchOf.set(append, span)
      span.end()
    },
  }
}
