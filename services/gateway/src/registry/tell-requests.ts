import type { Propagation } from '@artifact-store/log'
import { currentRequest, joinRequests, type RequestContext, requestHeaders } from '@artifact-store/service'

/** Tells the log-writer which requests an append is made for, so that its log lines name them too. */
export function tellRequests(): Propagation<RequestContext> {
  return { origin: currentRequest, headers: origins => requestHeaders(joinRequests(origins)) }
}
