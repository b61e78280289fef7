import type { BlobStore, ByteStream } from '../src/index.ts'
import { gathered } from '../src/read-blob.ts'

/** What a damaged or dishonest backend makes of the bytes that it should serve. */
export type Lie = (truth: ByteStream) => ByteStream

/** A real store whose reads pass through `lie`. `size`, when given, is what it says of every blob's size. */
export function lyingStore(store: BlobStore, lie: Lie, size?: number): BlobStore {
  return {
    staging: store.staging,
    put: (bytes, name, options) => store.put(bytes, name, options),
    get: async (digest, options) => lie(await store.get(digest, options)),
    getSmall: async (digest, _, options) => gathered(lie(await store.get(digest, options))),
    stat: async (digest, options) => (size === undefined ? store.stat(digest, options) : { size }),
    delete: (digest, options) => store.delete(digest, options),
    list: options => store.list(options),
    probe: options => store.probe(options),
    report: () => store.report(),
    examine: options => store.examine(options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

/** One bit of the byte at `position` is the other way round. */
export function flipsABit(position: number): Lie {
  return async function* (truth) {
    let passed = 0
    for await (const chunk of truth) {
      const at = position - passed
      if (at >= 0 && at < chunk.length) chunk[at] = (chunk[at] ?? 0) ^ 1
      passed += chunk.length
      yield chunk
    }
  }
}

export function truncatesTo(length: number): Lie {
  return async function* (truth) {
    let left = length
    for await (const chunk of truth) {
      if (left > 0) yield chunk.subarray(0, left)
      left -= chunk.length
    }
  }
}

export function appends(extra: Uint8Array): Lie {
  return async function* (truth) {
    yield* truth
    yield extra
  }
}

export function servesInstead(other: Uint8Array): Lie {
  return async function* () {
    yield other
  }
}
