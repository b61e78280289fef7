import type { Digest } from '@artifact-store/core'
import type { Abortable, BlobEntry, BlobStore } from '../blob-store.ts'

/** The lists of all stores as one, in the order of the digests, each blob once, as the first store says that has it. Memory is that of the lists. */
export async function* mergedList(
  stores: readonly BlobStore[],
  options?: Abortable & { readonly after?: Digest | undefined },
): AsyncGenerator<BlobEntry, void, void> {
  const lists = stores.map(store => store.list(options)[Symbol.asyncIterator]())
  try {
    const heads = await Promise.all(lists.map(list => list.next()))
    for (;;) {
      let first: BlobEntry | undefined
      for (const { done, value } of heads) {
        if (done !== true && (first === undefined || value.digest < first.digest)) first = value
      }
      if (first === undefined) return
      yield first
      for (const [i, list] of lists.entries()) {
        const head = heads[i]
        if (head?.done === false && head.value.digest === first.digest) heads[i] = await list.next()
      }
    }
  } finally {
    await Promise.all(lists.map(list => list.return?.()))
  }
}
