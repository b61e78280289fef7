import type { AppendPort } from '@artifact-store/log'
import { currentRequest, inRequest, spanFailed, type Tracing, traceparentOf } from '@artifact-store/service'

/**
 * The log, with a span around each append that a traced request makes. Where that span is travels with the append: what is done with its events later, by
 * whatever process, stands below it.
 */
export function tracedLog(log: AppendPort, tracing: Tracing | undefined): AppendPort {
  if (!tracing) return log
  return {
    async append(append, options) {
      const request = currentRequest()
      if (!request?.trace) return log.append(append, options)
      const span = tracing.start('append', {
        kind: 'producer',
        parent: request.trace,
        links: request.otherTraces,
        attributes: { 'artifact_store.events': append.events.length, 'artifact_store.event_type': append.events[0].eventType },
      })
      const trace = span.spanContext()
      try {
        const traced = { ...append, traceparent: traceparentOf(trace) }
        const outcome = await inRequest({ ...request, trace }, () => log.append(traced, options))
        span.setAttribute('artifact_store.outcome', outcome.outcome)
        if ('lastSequence' in outcome) span.setAttribute('artifact_store.last_sequence', outcome.lastSequence)
        return outcome
      } catch (error) {
        span.setStatus({ code: spanFailed, message: String(error) })
        throw error
      } finally {
        span.end()
      }
    },
  }
}
