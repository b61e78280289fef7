import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
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
