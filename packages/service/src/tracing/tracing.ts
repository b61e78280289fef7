import type { Span, SpanContext, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Logger } from '../logger.ts'
import { isTracingOn, type TracingConfig } from './tracing-settings.ts'

/** Spans of one process, on their way to a collector. Where nothing is traced there is none of this, and nothing of it is loaded. */
export interface Tracing extends AsyncDisposable {
  /** Begins a span; whoever begins it ends it. Without a parent it begins a trace. */
  start(name: string, options: SpanStart): Span
  /** Where a caller is in its trace, by the headers `traceparent` and `tracestate` (W3C Trace Context); undefined where it says nothing of that. */
  incoming(header: (name: string) => string | undefined): SpanContext | undefined
  /** Those headers for whoever is called next. */
  outgoing(context: SpanContext): Record<string, string>
}

export interface SpanStart {
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  readonly parent?: SpanContext | undefined
  readonly links?: readonly SpanContext[] | undefined
  /** In milliseconds since 1970, for what is told afterwards. */
  readonly startedAt?: number | undefined
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** The same numbers as the library's, which is not loaded for them. */
export const spanKinds = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } satisfies Record<
  SpanStart['kind'],
  SpanKind
>

/** The status of a span whose work failed; the library's number for it. */
export const spanFailed = 2 satisfies SpanStatusCode

/** Opens tracing as the standard variables of OpenTelemetry say: off, unless they name where spans are to go. */
export async function openTracing(
  config: TracingConfig,
  options: { readonly name: string; readonly logger: Logger },
): Promise<Tracing | undefined> {
  if (!isTracingOn(config)) return undefined
  const { openTelemetry } = await import('./open-telemetry.ts')
  return openTelemetry(config, options)
}

/** A place in a trace as it travels with an append (W3C `traceparent`, version 00); undefined where the trace is not recorded. */
export function traceparentOf(context: SpanContext | undefined): string | undefined {
  if (context === undefined || (context.traceFlags & sampled) === 0) return undefined
  return `00-${context.traceId}-${context.spanId}-01`
}

/** What `traceparentOf` wrote. */
export function contextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = ''] = traceparent.split('-')
  return { traceId, spanId, traceFlags: sampled, isRemote: true }
}

const sampled = 1
