/**
 * The same stream, but an abort ends a wait for the next item at once: it throws the signal's reason and tells the source to
 * stop without waiting for it, because a source that hangs in a read would never answer.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T, void, void> {
  if (signal === undefined) {
    yield* source
    return
  }
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const item = await nextOrAbort(iterator, signal)
      if (item.done === true) {
        ended = true
        return
      }
      yield item.value
    }
  } catch (error) {
    ended = !signal.aborted
    throw error
  } finally {
    if (!ended) {
      const stopped = Promise.resolve(iterator.return?.())
      if (signal.aborted) stopped.catch(() => undefined)
      else await stopped
    }
  }
}

// A promise and a listener for each item: racing every item against one long-lived promise would keep every chunk of a
// stream in memory until that promise settles.
function nextOrAbort<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
