/** How much is hashed ahead of what is being stored: enough to keep both busy, little enough to forget. */
export interface PageLimits {
  readonly files: number
  readonly bytes: number
}

/**
 * Groups items into pages of at most `limits.files` items and, but for a page of a single item, at most `limits.bytes` of weight.
 * Takes no item before it is needed.
 */
export async function* intoPages<T>(
  items: AsyncIterable<T>,
  limits: PageLimits,
  weigh: (item: T) => number,
): AsyncGenerator<T[], void, undefined> {
  let page: T[] = []
  let bytes = 0
  for await (const item of items) {
    const weight = weigh(item)
    if (page.length > 0 && (page.length >= limits.files || bytes + weight > limits.bytes)) {
      yield page
      page = []
      bytes = 0
    }
    page.push(item)
    bytes += weight
  }
  if (page.length > 0) yield page
}

/** Yields what `items` does, and works on the next one while the consumer works on this one. */
export async function* oneAhead<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  let next = items.next()
  // Its failure is for whoever asks for it, also when nobody does any more.
  next.catch(() => {})
  try {
    for (;;) {
      const current = await next
      if (current.done) return
      next = items.next()
      next.catch(() => {})
      yield current.value
    }
  } finally {
    await items.return()
  }
}
