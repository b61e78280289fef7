import { isArtifactError, parseDigest } from '@artifact-store/core'
import type { Scope, Warning } from '@artifact-store/service'
import type { NamedStore } from './named-store.ts'

/** How long an older store may take to answer, in milliseconds: less than a check may, since it is not to fail. */
const patienceMs = 1500
/** A digest that nothing has: asking for it shows whether a store can be asked. */
const nothing = parseDigest(`blake3:${'0'.repeat(64)}`)

/**
 * Has readiness tell of each store by itself. One that is to be written to has to take bytes. One that is only read is warned of: while it is away, what
 * lies nowhere else cannot be read, and a gateway that is taken out of service for it could serve nothing at all.
 */
export function watchStores({ health }: Pick<Scope, 'health'>, stores: readonly NamedStore[]): void {
  for (const { role, name, store, place } of stores) {
    const check = role === 'primary' ? 'blobs' : `blobs ${name}`
    if (role === 'older') health.check(check, signal => tellOlder({ store, place }, signal))
    else health.check(check, signal => store.probe({ signal }))
  }
}

async function tellOlder({ store, place }: Pick<NamedStore, 'store' | 'place'>, signal: AbortSignal): Promise<string | Warning> {
  const late = AbortSignal.timeout(patienceMs)
  try {
    await store.stat(nothing, { signal: AbortSignal.any([signal, late]) })
    return `${place} can be read`
  } catch (error) {
    const why = isArtifactError(error) ? error.message : late.aborted ? `no answer within ${patienceMs} ms` : 'it cannot be asked'
    return { warning: `${place} cannot be read: ${why}` }
  }
}
