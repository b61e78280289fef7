import { ArtifactError } from '@artifact-store/core'
import type { BlobStore } from '../src/index.ts'

/** A real store that can be taken away and brought back. */
export interface FailingStore extends BlobStore {
  /** What cannot be done at present. */
  fail(what: 'nothing' | 'reads' | 'everything'): void
  /** Reads break off after so many bytes from now on. */
  breakOffAfter(bytes: number): void
}

export function failingStore(store: BlobStore): FailingStore {
  let failing: 'nothing' | 'reads' | 'everything' = 'nothing'
  let longest = Number.POSITIVE_INFINITY
  const unavailable = () => new ArtifactError('backend-unavailable', 'the store was taken away')
  const read = () => {
    if (failing !== 'nothing') throw unavailable()
  }
  const write = () => {
    if (failing === 'everything') throw unavailable()
  }
  return {
    staging: store.staging,
    async put(bytes, name, options) {
      write()
      await store.put(bytes, name, options)
    },
    async get(digest, options) {
      read()
      const bytes = await store.get(digest, options)
      return (async function* () {
        let left = longest
        for await (const chunk of bytes) {
          if (left < chunk.length) throw unavailable()
          left -= chunk.length
          yield chunk
        }
      })()
    },
    async stat(digest, options) {
      read()
      return store.stat(digest, options)
    },
    async delete(digest, options) {
      write()
      return store.delete(digest, options)
    },
    async *list(options) {
      read()
      yield* store.list(options)
    },
    async probe(options) {
      write()
      await store.probe(options)
    },
    report: () => store.report(),
    examine: options => store.examine(options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    fail(what) {
      failing = what
    },
    breakOffAfter(bytes) {
      longest = bytes
    },
  }
}
