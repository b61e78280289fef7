import type { Digest } from '@artifact-store/core'
import type { Abortable, BlobStore, ByteStream } from '../blob-store.ts'
import { inStep } from './in-step.ts'

/**
 * Puts the same bytes into all stores while they stream, at the pace of the slowest. When one of them fails, the others are given up, and its error
 * comes out; one that was through by then has the blob all the same.
 */
export async function putInAll(
  stores: readonly BlobStore[],
  bytes: ByteStream,
  name: () => Digest,
  { signal }: Abortable,
): Promise<void> {
  signal?.throwIfAborted()
  const failed = new AbortController()
  const together = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  const shared = inStep(bytes, stores.length)
  const naming = once(name)
  let failure: { readonly error: unknown } | undefined
  const puts = stores.map(async store => {
    try {
      await store.put(shared, naming, { signal: together })
    } catch (error) {
      failure ??= { error }
      failed.abort(error)
    }
  })
  await Promise.all(puts)
  if (failure) throw failure.error
}

/** The name as whoever asks first learns it, or the error that he gets. */
function once(name: () => Digest): () => Digest {
  let answer: { readonly digest: Digest } | { readonly error: unknown } | undefined
  return () => {
    answer ??= attempt(name)
    if ('error' in answer) throw answer.error
    return answer.digest
  }
}

function attempt(name: () => Digest): { readonly digest: Digest } | { readonly error: unknown } {
  try {
    return { digest: name() }
  } catch (error) {
    return { error }
  }
}
