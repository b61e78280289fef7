import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'

const health = z.object({
  version: z.string(),
  status: z.string(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), state: z.string().optional(), detail: z.string().optional() })),
})

/** What a log-writer says of itself; only `trouble` where it says nothing. */
export type LogWriterHealth = z.output<typeof health> | { readonly trouble: string }

/** How long one may take to answer, in milliseconds. */
const patienceMs = 2000

/** Asks each of them, in their order. Never throws: one that does not answer is a finding. */
export function lookAtLogWriters(urls: readonly URL[], signal: AbortSignal): Promise<LogWriterHealth[]> {
  return Promise.all(
    urls.map(async url => {
      try {
        const response = await fetch(new URL('/health', url), {
          signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
        })
        return health.parse(await response.json())
      } catch (error) {
        signal.throwIfAborted()
        return { trouble: troubleOf(error) }
      }
    }),
  )
}

/** One that works is enough. @returns which one that is, where there are several. @throws what the first of them meets, where none does. */
export async function checkAnyReady(services: readonly URL[], signal: AbortSignal): Promise<string | undefined> {
  const ready = await Promise.any(services.map(service => checkReady(service, signal))).catch((error: AggregateError) => {
    throw error.errors[0]
  })
  return services.length > 1 ? `${ready.host} is ready` : undefined
}

async function checkReady(service: URL, signal: AbortSignal): Promise<URL> {
  const response = await fetch(new URL('/health/ready', service), { signal })
  await response.body?.cancel()
  if (!response.ok)
    throw new ArtifactError('log-unavailable', `the log-writer answers ${response.status}: see its own /health/ready`)
  return service
}

/** The system's code where there is one: its sentence has addresses in it, which are nobody's business outside. */
function troubleOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return `it cannot be reached (${cause.code})`
  if (error instanceof DOMException) return `it does not answer within ${patienceMs / 1000} seconds`
  return 'what answers is no log-writer'
}
