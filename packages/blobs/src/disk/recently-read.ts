import type { Digest } from '@artifact-store/core'

/** How many blobs are remembered. */
const most = 1000

/** Which large blobs were read not long ago: those are worth a place in the page cache, and what is read once is not. */
export class RecentlyRead {
  readonly #digests = new Set<Digest>()

  /** Notes a read. @returns whether there was one before. */
  note(digest: Digest): boolean {
    // It moves to the end, where it is forgotten last.
    const known = this.#digests.delete(digest)
    this.#digests.add(digest)
    const [oldest] = this.#digests
    if (this.#digests.size > most && oldest !== undefined) this.#digests.delete(oldest)
    return known
  }
}
