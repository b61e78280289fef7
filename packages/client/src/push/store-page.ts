import { ArtifactError, isArtifactError, type PackageId } from '@artifact-store/core'
import type { ArtifactStoreClient } from '../client.ts'
import { concurrently } from '../concurrently.ts'
import { changedError, type HashedFile, readHashedFile } from './hash-file.ts'
import { mediaTypeOf } from './media-type.ts'
import type { PushMeter } from './progress.ts'

/** A file below this waits for the store to write it down rather than for its bytes to travel, so more of them go at once. */
const smallBytes = 256 * 1024
const smallAtOnce = 4
/** From so many of them on, they go together in one request. */
const worthATar = 8
/** From this size on a file is sent so that it can be gone on with after whatever breaks: less is soon sent again. */
const resumableBytes = 64 * 1024 * 1024

/** Puts hashed files into one package, a page of at most 1,000 at a time. */
export class PackageStorer {
  readonly #client: ArtifactStoreClient
  readonly #id: PackageId
  readonly #options: { concurrency: number; meter: PushMeter; signal: AbortSignal | undefined }

  constructor(
    client: ArtifactStoreClient,
    id: PackageId,
    options: { concurrency: number; meter: PushMeter; signal: AbortSignal | undefined },
  ) {
    this.#client = client
    this.#id = id
    this.#options = options
  }

  /** Asks which bytes are missing, uploads each of those once, and adds everything else by its digest. */
  async store(page: readonly HashedFile[]): Promise<void> {
    const { signal } = this.#options
    const byDigest = Map.groupBy(page, file => file.digest)
    const missing = new Set<string>(await this.#client.blobs.missing([...byDigest.keys()], { signal }))

    const uploads: HashedFile[] = []
    const known: HashedFile[] = []
    for (const [digest, [first, ...others]] of byDigest) {
      if (first && missing.has(digest)) {
        uploads.push(first)
        known.push(...others)
      } else {
        known.push(...(first ? [first] : []), ...others)
      }
    }
    await this.#uploadAll(uploads)
    await this.#addKnown(known)
  }

  async #uploadAll(files: readonly HashedFile[]): Promise<void> {
    const { concurrency, signal } = this.#options
    const { small = [], large = [] } = Object.groupBy(files, file => (file.size < smallBytes ? 'small' : 'large'))
    const upload = (file: HashedFile, stop: AbortSignal) =>
      file.size < resumableBytes ? this.#upload(file, stop) : this.#uploadResumably(file, stop)
    if (small.length > worthATar) await this.#uploadTogether(small)
    else await concurrently(small, concurrency * smallAtOnce, upload, signal)
    await concurrently(large, concurrency, upload, signal)
  }

  /** As one tar stream. */
  async #uploadTogether(files: readonly HashedFile[]): Promise<void> {
    const { meter, signal } = this.#options
    const sent = new Map<HashedFile, number>()
    const sources = files.map(file => ({
      ...file,
      mediaType: mediaTypeOf(file.path),
      async *bytes() {
        // Of a request that broke off and is sent again, what is sent a second time counts once.
        meter.sent(-(sent.get(file) ?? 0))
        sent.set(file, file.size)
        meter.sent(file.size)
        yield* readHashedFile(file)
      },
    }))
    const outcomes = await this.#client.files.putMany(this.#id, sources, { signal })
    for (const [index, file] of files.entries()) {
      const outcome = outcomes[index]
      if (outcome && 'file' in outcome) meter.stored(0)
      else if (isArtifactError(outcome?.error, 'digest-mismatch')) throw changedError(file, outcome?.error)
      else throw outcome?.error ?? new ArtifactError('internal', `the gateway said nothing of "${file.path}" when it was added`)
    }
  }

  async #upload(file: HashedFile, signal: AbortSignal): Promise<void> {
    const { meter } = this.#options
    let sent = 0
    async function* open() {
      meter.sent(-sent)
      sent = 0
      for await (const chunk of readHashedFile(file)) {
        sent += chunk.length
        meter.sent(chunk.length)
        yield chunk
      }
    }
    const { digest, sha256, size } = file
    try {
      await this.#client.files.put(
        this.#id,
        file.path,
        { body: open, size, digest, sha256, mediaType: mediaTypeOf(file.path) },
        { signal },
      )
    } catch (error) {
      // Read once for its digest and once to be sent: bytes that arrive with another digest are not those that were hashed.
      if (isArtifactError(error, 'digest-mismatch')) throw changedError(file, error)
      throw error
    }
    // A store that had the bytes after all may have answered before it was sent any.
    meter.stored(size - sent)
  }

  /** As a blob, which a later push of the same file goes on with too, into whatever package. */
  async #uploadResumably(file: HashedFile, signal: AbortSignal): Promise<void> {
    const { meter } = this.#options
    const { path, digest, size } = file
    let begun: number | undefined
    let sent = 0
    async function* open(offset: number) {
      begun ??= offset
      meter.sent(offset - begun - sent)
      sent = offset - begun
      for await (const chunk of readHashedFile(file, offset)) {
        sent += chunk.length
        meter.sent(chunk.length)
        yield chunk
      }
    }
    try {
      await this.#client.uploads.put({ open, size, digest }, { signal })
    } catch (error) {
      if (isArtifactError(error, 'digest-mismatch')) throw changedError(file, error)
      throw error
    }
    const [outcome] = await this.#client.files.addKnown(this.#id, [{ path, digest, mediaType: mediaTypeOf(path) }], { signal })
    if (outcome && 'error' in outcome) throw outcome.error
    meter.stored(size - sent)
  }

  async #addKnown(files: readonly HashedFile[]): Promise<void> {
    const { meter, signal } = this.#options
    if (files.length === 0) return
    const asked = files.map(({ path, digest }) => ({ path, digest, mediaType: mediaTypeOf(path) }))
    const outcomes = await this.#client.files.addKnown(this.#id, asked, { signal })
    const gone: HashedFile[] = []
    for (const [index, file] of files.entries()) {
      const outcome = outcomes[index]
      if (outcome && 'file' in outcome) meter.stored(file.size)
      // Collected between the question and now: then the bytes must travel after all.
      else if (isArtifactError(outcome?.error, 'blob-not-found')) gone.push(file)
      else throw outcome?.error ?? new ArtifactError('internal', `the gateway said nothing of "${file.path}" when it was added`)
    }
    await this.#uploadAll(gone)
  }
}
