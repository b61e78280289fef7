import { expect } from 'vitest'
import type { BlobStore } from '../blob-store.ts'
import { checkedBlobStore } from '../checked.ts'

/** The store behind `checkedBlobStore()`, dressed as a plain one, so that the same sentences hold for both. */
export function throughChecks(store: BlobStore, blocks?: BlobStore): BlobStore {
  const checked = checkedBlobStore(store, blocks === undefined ? {} : { blocks })
  return {
    staging: store.staging,
    async put(bytes, name, options) {
      const { digest } = await checked.put(bytes, options)
      expect(digest).toBe(name())
    },
    async get(digest, options = {}) {
      const size = (await checked.stat(digest))?.size ?? 0
      return checked.get(digest, { ...options, size })
    },
    getSmall: (digest, size, options) => checked.getBytes(digest, { ...options, size }),
    stat: (digest, options) => checked.stat(digest, options),
    delete: (digest, options) => checked.delete(digest, options),
    list: options => checked.list(options),
    probe: options => checked.probe(options),
    report: () => checked.report(),
    examine: options => checked.examine(options),
    [Symbol.asyncDispose]: () => checked[Symbol.asyncDispose](),
  }
}
