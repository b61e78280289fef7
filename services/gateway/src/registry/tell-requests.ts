import type { Propagation } from '@artifact-store/log'
import {
  currentRequest,
  joinRequests,
  type RequestContext,
  requestHeaders,
  spanFailed,
  type Tracing,
} from '@artifact-store/service'

/** Tells the log-writer for which requests it is asked: its log lines name them, and its spans stand below theirs. */
export function tellRequests(tracing: Tracing | undefined): Propagation<RequestContext> {
  return {
    origin: currentRequest,
    ask(host, origins) {
      const request = joinRequests(origins)
      const headers = requestHeaders(request)
      if (!tracing || !request?.trace) return { headers, ended() {} }
      const span = tracing.start('POST /v1/appends', {
        kind: 'client',
        parent: request.trace,
        links: request.otherTraces,
        attributes: { 'http.request.method': 'POST', 'server.address': host, 'artifact_store.appends': origins.length },
      })
      return {
        headers: { ...headers, ...tracing.outgoing(span.spanContext()) },
        ended(failure) {
          if (failure !== undefined) span.setStatus({ code: spanFailed, message: String(failure) })
          span.end()
        },
      }
    },
  }
}
