import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { version } from './version.ts'

/** A registry of one process: Node's own metrics and `artifact_store_build_info{name,version,node}`, which is always 1. */
export function createMetrics(name: string): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'artifact_store_build_info',
    help: 'Which build of which service this is; always 1.',
    labelNames: ['name', 'version', 'node'],
    registers: [registry],
  }).set({ name, version, node: process.version }, 1)
  return registry
}

/** Requests by rate, errors and duration in seconds; `route` is the pattern that matched, so its cardinality is bounded. */
export type RequestHistogram = Histogram<'method' | 'route' | 'status'>

/** The registry's `http_request_duration_seconds`, made at the first call. */
export function requestHistogram(registry: Registry): RequestHistogram {
  const name = 'http_request_duration_seconds'
  const existing = registry.getSingleMetric(name)
  if (existing instanceof Histogram) return existing
  return new Histogram({
    name,
    help: 'Duration of HTTP requests, until the last byte of the answer; status 499 where the client left before any answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  })
}

/** The registry's `artifact_store_leading`, made at the first call. */
export function leadingGauge(registry: Registry): Gauge<'work'> {
  const name = 'artifact_store_leading'
  const existing = registry.getSingleMetric(name)
  if (existing instanceof Gauge) return existing
  return new Gauge({
    name,
    help: 'Whether this process leads that work: 1 if it does, 0 while it stands by.',
    labelNames: ['work'],
    registers: [registry],
  })
}
