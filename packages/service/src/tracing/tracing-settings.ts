import { z } from 'zod'
import { choice, flag, integer, secret, share, text, url } from '../settings.ts'

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

/**
 * The standard variables of OpenTelemetry that are heeded. What sends the spans reads some more by itself: `OTEL_EXPORTER_OTLP_TIMEOUT`,
 * `…_COMPRESSION`, `…_CERTIFICATE`, their `…_TRACES_…` forms, and `OTEL_RESOURCE_ATTRIBUTES`.
 */
export function tracingSettings() {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:')
      .optional()
      .describe(
        'where a collector takes OTLP over HTTP, such as `http://127.0.0.1:4318`; spans go to `/v1/traces` there. Turns tracing on',
      ),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url('http:', 'https:')
      .optional()
      .describe('the same for spans alone, as a whole address'),
    OTEL_TRACES_EXPORTER: choice(['otlp', 'none'])
      .optional()
      .describe('`otlp`: turns tracing on, to `http://localhost:4318` where nothing else is said; `none`: keeps it off'),
    OTEL_SDK_DISABLED: flag().default(false).describe('`true`: keeps it off'),
    OTEL_EXPORTER_OTLP_PROTOCOL: choice(['http/protobuf', 'http/json'])
      .default('http/protobuf')
      .describe('how spans are written'),
    OTEL_EXPORTER_OTLP_HEADERS: secret()
      .optional()
      .describe('headers that the collector asks for, such as `authorization=Bearer%20…`, with commas between'),
    OTEL_TRACES_SAMPLER: choice(samplers)
      .default('parentbased_always_on')
      .describe('which traces are recorded; `parentbased_…`: as the caller decided, where it sent a `traceparent`'),
    OTEL_TRACES_SAMPLER_ARG: share().default(1).describe('the share of traces, for a sampler by ratio'),
    OTEL_SERVICE_NAME: text('a name')
      .optional()
      .describe('the name of the process in traces; `artifact-store-gateway` and so on'),
    OTEL_BSP_SCHEDULE_DELAY: integer({ min: 1, max: 3_600_000 })
      .default(5000)
      .describe('milliseconds between two sendings of spans'),
  }
}

export const tracingConfig = z.object(tracingSettings())

export type TracingConfig = z.output<typeof tracingConfig>

/** A process traces when it was told where to, or that it shall, and nothing says that it shall not. */
export function isTracingOn(config: TracingConfig): boolean {
  if (config.OTEL_SDK_DISABLED || config.OTEL_TRACES_EXPORTER === 'none') return false
  const reasons = [config.OTEL_TRACES_EXPORTER, config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, config.OTEL_EXPORTER_OTLP_ENDPOINT]
  return reasons.some(reason => reason !== undefined)
}
