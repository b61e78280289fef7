import { afterEach, beforeEach, describe } from 'vitest'
import { openMemoryBlobStore } from './backends/memory.ts'
import type { BlobStore } from './blob-store.ts'
import { blobsAreListed } from './conformance/blobs-are-listed.ts'
import { bytesAreKept } from './conformance/bytes-are-kept.ts'
import { failuresKeepNothing } from './conformance/failures-keep-nothing.ts'
import { namesAreAskedForLast } from './conformance/names-are-asked-for-last.ts'
import { readersAreFree } from './conformance/readers-are-free.ts'
import { throughChecks } from './conformance/through-checks.ts'
import { uploadsArriveInPieces } from './conformance/uploads-arrive-in-pieces.ts'

export interface ConformanceOptions {
  /** The names of what unfinished puts occupy in the store that was opened last: the suite demands that there are none. */
  readonly residue?: (() => Promise<readonly string[]>) | undefined
}

/** What the parts of the suite work on: the store of the running test, and what is left in its staging. */
export interface Subject {
  readonly store: () => BlobStore
  readonly residue: () => Promise<readonly string[]>
}

/**
 * Registers the suite that every backend passes, on the backend itself and once more through `checkedBlobStore()`,
 * whose readers prove block by block, or the whole where there is no record. In a test file:
 *
 *     describeBlobStore('the memory store', openMemoryBlobStore)
 *
 * @param open gives an empty store for each test; the suite disposes of it.
 */
export function describeBlobStore(name: string, open: () => Promise<BlobStore>, options: ConformanceOptions = {}): void {
  describe(name, () => {
    const subject = perTest(open, options)
    everyStore(subject)
    namesAreAskedForLast(subject)
    uploadsArriveInPieces(subject)
  })
  describe(`${name}, behind the checks`, () => {
    everyStore(perTest(async () => throughChecks(await open(), await openMemoryBlobStore()), options))
  })
  describe(`${name}, behind the checks, where no blocks are recorded`, () => {
    readersAreFree(perTest(async () => throughChecks(await open()), options))
  })
}

function everyStore(subject: Subject): void {
  bytesAreKept(subject)
  readersAreFree(subject)
  blobsAreListed(subject)
  failuresKeepNothing(subject)
}

/** What the parts of the suite work on, opened for each test and closed behind it. */
export function perTest(open: () => Promise<BlobStore>, { residue = async () => [] }: ConformanceOptions = {}): Subject {
  let current: BlobStore | undefined
  beforeEach(async () => {
    current = await open()
  })
  afterEach(() => current?.[Symbol.asyncDispose]())
  return {
    residue,
    store: () => {
      if (current === undefined) throw new Error('a store is open only while a test runs')
      return current
    },
  }
}
