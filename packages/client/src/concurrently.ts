/**
 * Does `work` for every item, at most `limit` at a time, and takes items only as there is room. The first failure aborts the signal of the
 * others and is thrown once all of them have ended, so that nothing goes on in the background.
 * @throws the signal's reason when `signal` aborts.
 */
export async function concurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const combined = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const source = iterate(items)
  let failure: { error: unknown } | undefined

  const worker = async () => {
    while (!combined.aborted) {
      const next = await source.next()
      if (next.done || combined.aborted) return
      await work(next.value, combined)
    }
  }
  const guarded = () =>
    worker().catch((error: unknown) => {
      failure ??= { error }
      stop.abort(error)
    })
  await Promise.all(Array.from({ length: limit }, guarded))
  await source.return()
  signal?.throwIfAborted()
  if (failure) throw failure.error
}

/** A generator queues the calls of several takers, which a plain iterator need not. */
async function* iterate<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items
}
