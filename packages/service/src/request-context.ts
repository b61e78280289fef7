import { AsyncLocalStorage } from 'node:async_hooks'
import type { SpanContext } from '@opentelemetry/api'
import { otherRequestsHeader, requestIdHeader } from './request-id.ts'

/** For which request something is done. */
export interface RequestContext {
  readonly requestId: string
  /** The ids of others for which the same is done at once. */
  readonly others?: readonly string[] | undefined
  /** Where it is in its trace; absent where nothing is traced. */
  readonly trace?: SpanContext | undefined
  /** Where those others are in theirs. */
  readonly otherTraces?: readonly SpanContext[] | undefined
}

// Node's own way to know it everywhere below a call; it holds nothing by itself.
const storage = new AsyncLocalStorage<RequestContext>()

/** Runs `work`, and all that it waits for, as part of that request: every log line from there names it. */
export function inRequest<Result>(context: RequestContext, work: () => Result): Result {
  return storage.run(context, work)
}

/**
 * Runs `work` as part of no request. What outlives the request in which it began, such as a connection that is kept or a loop that serves all,
 * would go on under its name.
 */
export function outsideRequests<Result>(work: () => Result): Result {
  return storage.exit(work)
}

/** The request that this is done for, if there is one. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore()
}

/** One context for what is done for several requests together; the first one names it. */
export function joinRequests(contexts: readonly (RequestContext | undefined)[]): RequestContext | undefined {
  const [first, ...rest] = new Set(contexts.filter(context => context !== undefined))
  if (first === undefined || rest.length === 0) return first
  const others = rest.flatMap(({ requestId, others: more = [] }) => [requestId, ...more])
  const otherTraces = rest.flatMap(({ trace, otherTraces: more = [] }) => (trace ? [trace, ...more] : more))
  return {
    ...first,
    others: [...(first.others ?? []), ...others].slice(0, mostOthers),
    ...(otherTraces.length > 0 ? { otherTraces: [...(first.otherTraces ?? []), ...otherTraces].slice(0, mostOthers) } : {}),
  }
}

/** The headers by which the one who is asked next learns for whom. */
export function requestHeaders(context: RequestContext | undefined): Record<string, string> {
  if (context === undefined) return {}
  const { requestId, others } = context
  return { [requestIdHeader]: requestId, ...(others ? { [otherRequestsHeader]: others.join(',') } : {}) }
}

/** What every log line of a request says of it. */
export function logFields({ requestId, others, trace }: RequestContext): Readonly<Record<string, unknown>> {
  return {
    requestId,
    ...(others ? { otherRequestIds: others } : {}),
    // The names that OpenTelemetry gives them outside of its own format.
    ...(trace ? { trace_id: trace.traceId, span_id: trace.spanId } : {}),
  }
}

/** A crowd is told of by some of its members: their ids travel in a header, and a span has links to them. */
const mostOthers = 30
