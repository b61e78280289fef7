import type { Abortable } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'
import { Capabilities } from './capabilities.ts'
import { type Copy, copyObject } from './copy.ts'
import type { S3Keys } from './keys.ts'
import { type ListedObject, listObjects, listObjectsLate } from './list.ts'
import { deleteObject, putObject } from './objects.ts'
import type { PartMemory } from './part-memory.ts'
import { RecentWrites } from './recent-writes.ts'

/** The bucket of a store as it may be used: with the capabilities that were seen, and in other ways where they were not. */
export class S3Bucket {
  readonly calls: S3Calls
  readonly keys: S3Keys
  readonly memory: PartMemory
  readonly capabilities = new Capabilities()
  readonly #recent = new RecentWrites()

  constructor(calls: S3Calls, keys: S3Keys, memory: PartMemory) {
    this.calls = calls
    this.keys = keys
    this.memory = memory
  }

  async put(key: string, bytes: Uint8Array, options: Abortable = {}): Promise<void> {
    this.#recent.note(key, 'put')
    await putObject(this.calls, key, bytes, options)
  }

  async copy(copy: Copy): Promise<void> {
    this.#recent.note(copy.to, 'put')
    await copyObject(this.calls, this.capabilities, this.memory, copy)
  }

  async remove(key: string, options: Abortable = {}): Promise<void> {
    await deleteObject(this.calls, key, options)
    this.#recent.note(key, 'removed')
  }

  /** Every object whose key begins like that and comes after `after`, in the order of the keys. */
  list(prefix: string, options: Abortable & { readonly after?: string | undefined } = {}): AsyncIterable<ListedObject> {
    return this.capabilities.has('list-after-write')
      ? listObjects(this.calls, prefix, options)
      : listObjectsLate(this.calls, this.#recent, prefix, options)
  }

  /** To be called before an object is made at that key in another way than by `put` or `copy`. */
  noteMaking(key: string): void {
    this.#recent.note(key, 'put')
  }
}
