import { isArtifactError } from '@artifact-store/core'
import { Counter, type Registry } from 'prom-client'

const limits = ['rate', 'concurrency', 'bytes', 'files'] as const

/** Registers how often a limit was met. @returns to be called with whatever a request failed with; it counts what is a limit's. */
export function countRefusals(registry: Registry): (error: unknown) => void {
  const counter = new Counter({
    name: 'artifact_store_limit_refusals_total',
    help: 'Requests, and files of tar streams, that were refused for more than is allowed, by the limit that they met.',
    labelNames: ['limit'],
    registers: [registry],
  })
  // From the beginning, so that the first one is a rise too.
  for (const limit of limits) counter.inc({ limit }, 0)
  return error => {
    const limit = limitOf(error)
    if (limit !== undefined) counter.inc({ limit })
  }
}

function limitOf(error: unknown): (typeof limits)[number] | undefined {
  if (isArtifactError(error, 'too-many-requests')) return error.details['limit'] === 'rate' ? 'rate' : 'concurrency'
  if (isArtifactError(error, 'body-too-large')) return error.details['maxFiles'] === undefined ? 'bytes' : 'files'
  return undefined
}
