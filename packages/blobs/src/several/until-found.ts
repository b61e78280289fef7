import { isArtifactError } from '@artifact-store/core'
import type { Abortable, BlobStore } from '../blob-store.ts'

/**
 * Asks one store after the other until one has it. Undefined when none has. Before that all are asked once more: while they were asked, the blob may have
 * been moved from one that came later to one that came before.
 * @throws ArtifactError `backend-unavailable` when one that could not be asked might have it, and what else a store throws.
 */
export async function untilFound<T>(
  stores: readonly BlobStore[],
  ask: (store: BlobStore) => Promise<T | undefined>,
  { signal }: Abortable = {},
): Promise<T | undefined> {
  let unasked: { readonly error: unknown } | undefined
  for (const store of [...stores, ...stores.slice(0, -1)]) {
    try {
      const found = await ask(store)
      if (found !== undefined) return found
    } catch (error) {
      signal?.throwIfAborted()
      if (isArtifactError(error, 'backend-unavailable')) unasked ??= { error }
      else if (!isArtifactError(error, 'blob-not-found')) throw error
    }
  }
  if (unasked) throw unasked.error
  return undefined
}
