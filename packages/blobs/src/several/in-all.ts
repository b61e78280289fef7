import type { BlobStore } from '../blob-store.ts'

/** Does the same in all stores at once, and waits for all of them whatever comes of each. @throws the failure of the first of them that has one. */
export async function inAll<T>(stores: readonly BlobStore[], work: (store: BlobStore) => Promise<T>): Promise<readonly T[]> {
  const settled = await Promise.allSettled(stores.map(work))
  return settled.map(each => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}
