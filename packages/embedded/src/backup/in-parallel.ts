/** Files that are copied at the same time: their flushes share the journal of the file system, which makes many small ones several times faster. */
export const filesAtOnce = 16

/** Works on each of the items, so many at a time. The first failure comes out when all that is under way has ended; no other item is begun then. */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  try {
    for await (const item of items) {
      const working = work(item)
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => underWay.delete(working))
      underWay.add(working)
      if (underWay.size >= most) await Promise.race(underWay)
      if (failure) break
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failure) throw failure.error
}
