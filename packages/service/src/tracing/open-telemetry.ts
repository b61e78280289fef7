import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { ExportResultCode, parseKeyPairsIntoRecord, W3CTraceContextPropagator } from '@opentelemetry/core'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '../logger.ts'
import { version } from '../version.ts'
import { spanKinds, type Tracing } from './tracing.ts'
import type { TracingConfig } from './tracing-settings.ts'

/** How long the last spans may take to leave when the process stops, in milliseconds: a collector that is away must not hold it up. */
const partingMs = 2000
/** How often it is said that spans cannot be sent, in milliseconds. */
const quietMs = 60_000

/**
 * Tracing by OpenTelemetry's own SDK. It is kept to this object: nothing is registered for the whole process and nothing is patched, so what is
 * traced is what says so.
 */
export async function openTelemetry(
  config: TracingConfig,
  { name, logger }: { readonly name: string; readonly logger: Logger },
): Promise<Tracing> {
  const provider = new TracerProvider({
    resource: resourceOf(config, name),
    sampler: samplerOf(config),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: telling(await exporterOf(config), logger),
        scheduledDelayMillis: config.OTEL_BSP_SCHEDULE_DELAY,
      }),
    ],
  })
  const tracer = provider.getTracer('artifact-store', version)
  const propagator = new W3CTraceContextPropagator()
  return {
    start(name, { kind, parent, links = [], startedAt, attributes }) {
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
      return tracer.startSpan(
        name,
        {
          kind: spanKinds[kind],
          links: links.map(context => ({ context })),
          ...(startedAt === undefined ? {} : { startTime: startedAt }),
          ...(attributes === undefined ? {} : { attributes }),
        },
        context,
      )
    },
    incoming(header) {
      const getter = { keys: () => [], get: (_: unknown, key: string) => header(key) }
      return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, undefined, getter))
    },
    outgoing(context) {
      const headers: Record<string, string> = {}
      propagator.inject(trace.setSpanContext(ROOT_CONTEXT, context), headers, {
        set: (carrier: Record<string, string>, key, value) => {
          carrier[key] = value
        },
      })
      return headers
    },
    async [Symbol.asyncDispose]() {
      const over = Promise.withResolvers<void>()
      const late = setTimeout(over.resolve, partingMs)
      await Promise.race([provider.shutdown().catch(() => undefined), over.promise])
      clearTimeout(late)
    },
  }
}

function resourceOf(config: TracingConfig, name: string) {
  const named = resourceFromAttributes({
    'service.name': config.OTEL_SERVICE_NAME ?? `artifact-store-${name}`,
    'service.namespace': 'artifact-store',
    'service.version': version,
  })
  return defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }))
}

function samplerOf({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }: TracingConfig): Sampler {
  const root = rootSampler(sampler.replace('parentbased_', ''), ratio)
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler()
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler()
}

async function exporterOf(config: TracingConfig): Promise<SpanExporter> {
  const {
    OTEL_EXPORTER_OTLP_ENDPOINT: base,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own,
    OTEL_EXPORTER_OTLP_HEADERS: headers,
  } = config
  const url = own ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`)
  const options = {
    ...(url === undefined ? {} : { url }),
    ...(headers === undefined ? {} : { headers: parseKeyPairsIntoRecord(headers.reveal()) }),
  }
  const { OTLPTraceExporter } =
    config.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter(options)
}

/** Says when spans cannot be sent: once, then now and then. They are lost, and nothing else is. */
function telling(exporter: SpanExporter, logger: Logger): SpanExporter {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    export(spans, done) {
      exporter.export(spans, result => {
        if (result.code !== ExportResultCode.SUCCESS && performance.now() - toldAt > quietMs) {
          toldAt = performance.now()
          logger.warn({ err: result.error, spans: spans.length }, 'spans could not be sent to the collector, and are lost')
        }
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush ? { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() } : {}),
  }
}
