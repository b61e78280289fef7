import { ArtifactError, type Digest } from '@artifact-store/core'
import type { Abortable, BlobEntry, BlobStat, BlobStore, ByteStream, PresignedGet, Space } from '../blob-store.ts'
import type { ByteRange } from '../byte-range.ts'
import type { BackendReport } from '../capability.ts'
import { inAll } from './in-all.ts'
import { mergedList } from './merged-list.ts'
import { putInAll } from './put-in-all.ts'
import { SeveralStaging } from './several-staging.ts'
import { untilFound } from './until-found.ts'

/** Several stores, and what each is for. */
export interface Places {
  /** Takes all that is written, and is read first. */
  readonly primary: BlobStore
  /** Take all that is written too, before it is acknowledged, and are read next. */
  readonly replicas: readonly BlobStore[]
  /** Take nothing, and are read last: where blobs were put before, and lie until they are moved. */
  readonly older: readonly BlobStore[]
}

/**
 * One store made of several, which it owns. A blob is found wherever it is. What a put acknowledges is in the primary and in every replica, so one of
 * those that is down stops all writing, while reading goes on with the others. A put that fails in one of them may have been completed in another.
 */
export function severalBlobStores(places: Places): BlobStore {
  return places.replicas.length + places.older.length === 0 ? places.primary : new SeveralBlobStores(places)
}

class SeveralBlobStores implements BlobStore {
  readonly staging: SeveralStaging
  readonly copies: readonly BlobStore[]
  readonly putSmall?: (digest: Digest, bytes: Uint8Array, options?: Abortable) => Promise<void>
  /** That of the primary: where it is full, nothing can be written, whatever room the others have. */
  readonly space?: () => Promise<Space>
  readonly #primary: BlobStore
  readonly #written: readonly BlobStore[]

  constructor(places: Places) {
    const { primary, replicas, older } = places
    this.#primary = primary
    this.#written = [primary, ...replicas]
    this.copies = [primary, ...replicas, ...older]
    this.staging = new SeveralStaging(places)
    if (this.#written.some(store => store.putSmall !== undefined)) this.putSmall = this.#putSmall.bind(this)
    if (primary.space) this.space = primary.space.bind(primary)
  }

  put(bytes: ByteStream, name: () => Digest, options: Abortable = {}): Promise<void> {
    if (this.#written.length === 1) return this.#primary.put(bytes, name, options)
    return putInAll(this.#written, bytes, name, options)
  }

  async #putSmall(digest: Digest, bytes: Uint8Array, options?: Abortable): Promise<void> {
    await inAll(this.#written, async store => {
      if (store.putSmall) await store.putSmall(digest, bytes, options)
      else await store.put(once(bytes), () => digest, options)
    })
  }

  async get(digest: Digest, options?: Abortable & { readonly range?: ByteRange | undefined }): Promise<ByteStream> {
    const found = await untilFound(this.copies, async store => store.get(digest, options), options)
    if (found !== undefined) return found
    throw new ArtifactError('blob-not-found', `there is no blob ${digest} in any of ${this.copies.length} stores`, {
      details: { digest },
    })
  }

  stat(digest: Digest, options?: Abortable): Promise<BlobStat | undefined> {
    return untilFound(this.copies, async store => store.stat(digest, options), options)
  }

  /** Of the first store that has the blob. */
  async presignGet(digest: Digest, options: PresignedGet): Promise<string | undefined> {
    const holds = async (store: BlobStore) => ((await store.stat(digest, options)) === undefined ? undefined : store)
    return (await untilFound(this.copies, holds, options))?.presignGet?.(digest, options)
  }

  async delete(digest: Digest, options?: Abortable): Promise<boolean> {
    const removed = await inAll(this.copies, async store => store.delete(digest, options))
    return removed.includes(true)
  }

  list(options?: Abortable & { readonly after?: Digest | undefined }): AsyncIterable<BlobEntry> {
    return mergedList(this.copies, options)
  }

  async probe(options?: Abortable): Promise<void> {
    await inAll(this.#written, async store => store.probe(options))
  }

  /** The primary's, with the first trouble of any of them. */
  report(): BackendReport {
    const troubled = this.copies.map(store => store.report()).find(({ trouble }) => trouble !== undefined)
    return { ...this.#primary.report(), trouble: troubled && `${troubled.address}: ${troubled.trouble}` }
  }

  async examine(options?: Abortable): Promise<BackendReport> {
    await inAll(this.copies, async store => store.examine(options))
    return this.report()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await inAll(this.copies, async store => store[Symbol.asyncDispose]())
  }
}

async function* once(bytes: Uint8Array): ByteStream {
  // A copy: whoever receives a chunk may do with it what it likes.
  if (bytes.length > 0) yield Buffer.copyBytesFrom(bytes)
}
