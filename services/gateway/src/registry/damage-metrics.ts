import { Counter, type Registry } from 'prom-client'

/** What a reading of a damaged blob found. */
const findings = ['missing', 'different', 'intact'] as const

/** Registers how often the log was told of damage. @returns to be called when it was, with the kind of the finding. */
export function damageCounter(registry: Registry): (finding: (typeof findings)[number]) => void {
  const counter = new Counter({
    name: 'artifact_store_blob_damage_total',
    help: 'Blobs that a read found damaged, as told in the log, by what a second reading found; intact: the backend erred once.',
    labelNames: ['finding'],
    registers: [registry],
  })
  // From the beginning, so that the first one is a rise too.
  for (const finding of findings) counter.inc({ finding }, 0)
  return finding => counter.inc({ finding })
}
