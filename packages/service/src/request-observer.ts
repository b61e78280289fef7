import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Span } from '@opentelemetry/api'
import type { Registry } from 'prom-client'
import type { Logger } from './logger.ts'
import { logFields, type RequestContext } from './request-context.ts'
import { otherRequestsHeader, otherRequestsOf, requestIdHeader, requestIdOf } from './request-id.ts'
import { requestMetrics } from './request-metrics.ts'
import { spanFailed, type Tracing } from './tracing/tracing.ts'

/** Gives requests their ids, and measures and logs each when the last byte of its answer is out, however that was written. */
export interface RequestObserver {
  /** @param header its value, by its name in lower case. */
  begin(request: { readonly method: string; readonly path: string; header(name: string): string | undefined }): ObservedRequest
}

interface ObservedRequest {
  readonly context: RequestContext
  /** Ends it when Node's answer has ended, which gets the id as `X-Request-Id`. @param look asked then for what was not known before. */
  endWith(incoming: IncomingMessage, outgoing: ServerResponse, look: () => Seen): void
  /** Ends it now. */
  end(status: number, seen: Seen): void
}

export interface ObserverOptions {
  readonly logger: Logger
  readonly metrics: Registry
  readonly tracing?: Tracing | undefined
}

interface Seen {
  /** The pattern of the route that answered; never the path itself, of which there are endlessly many. */
  readonly route: string
  /** How loud the line is; by default `debug` for reads that went well, else `info`. */
  readonly level?: 'debug' | 'info'
}

export function createRequestObserver({ logger, metrics: registry, tracing }: ObserverOptions): RequestObserver {
  const metrics = requestMetrics(registry)
  return {
    begin({ method, path, header }) {
      const startedAt = performance.now()
      const span = tracing && beginSpan(tracing, { method, path, header })
      const context: RequestContext = {
        requestId: requestIdOf(header(requestIdHeader)),
        others: otherRequestsOf(header(otherRequestsHeader)),
        trace: span?.spanContext(),
      }
      metrics.begun()
      const end = (status: number, { route, level }: Seen, { complete = true, bytesIn = 0, bytesOut = 0 } = {}): void => {
        const seconds = (performance.now() - startedAt) / 1000
        metrics.ended({ method, route, status, seconds, bytesIn, bytesOut, complete })
        if (span) endSpan(span, { method, route, status, complete })
        const chosen = level ?? (status < 400 && (method === 'GET' || method === 'HEAD') ? 'debug' : 'info')
        if (!logger.isLevelEnabled(chosen)) return
        const line = { ...logFields(context), method, path, route, status, ms: Math.round(seconds * 1e5) / 100 }
        logger[chosen](complete ? line : { ...line, complete }, 'request')
      }
      return {
        context,
        end,
        endWith(incoming, outgoing, look) {
          // On Node's response itself, so that it is there also when a handler writes that without Hono.
          outgoing.setHeader('X-Request-Id', context.requestId)
          outgoing.once('close', () => {
            const status = outgoing.headersSent ? outgoing.statusCode : clientLeft
            end(status, look(), { complete: outgoing.writableFinished, ...bytesSince(incoming.socket) })
          })
        },
      }
    },
  }
}

function beginSpan(tracing: Tracing, request: Parameters<RequestObserver['begin']>[0]): Span | undefined {
  const { method, path, header } = request
  // Whoever looks whether we live is nobody's trace.
  if (path.startsWith('/health') || path === '/metrics') return undefined
  return tracing.start(method, {
    kind: 'server',
    parent: tracing.incoming(header),
    attributes: { 'http.request.method': method, 'url.path': path },
  })
}

/** By the conventions of OpenTelemetry for servers of HTTP: what clients do wrong is no error of ours. */
function endSpan(
  span: Span,
  { method, route, status, complete }: { method: string; route: string; status: number; complete: boolean },
): void {
  span.updateName(`${method} ${route}`)
  span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
  if (!complete) span.setAttribute('error.type', 'incomplete')
  if (status >= 500) span.setStatus({ code: spanFailed }).setAttribute('error.type', String(status))
  span.end()
}

/** nginx's number for a client that closed the connection before it had an answer; it is never sent. */
const clientLeft = 499

const counted = Symbol('counted')
type CountedSocket = Socket & { [counted]?: { bytesIn: number; bytesOut: number } }

/** The bytes of a connection since the request before this one had its answer. */
function bytesSince(socket: CountedSocket): { bytesIn: number; bytesOut: number } {
  const { bytesIn, bytesOut } = socket[counted] ?? { bytesIn: 0, bytesOut: 0 }
  const now = { bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten }
  socket[counted] = now
  return { bytesIn: Math.max(0, now.bytesIn - bytesIn), bytesOut: Math.max(0, now.bytesOut - bytesOut) }
}
