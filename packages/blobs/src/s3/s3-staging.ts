import { type Digest, isArtifactError } from '@artifact-store/core'
import { abortable } from '../abortable.ts'
import type { Abortable, BlobStore, ByteStream } from '../blob-store.ts'
import { isUploadName, nextSegment, type Segment, segmentsOf, stagedBytesGone } from '../segments.ts'
import type { ResumeOptions, StagedBytes, StagedEntry, StagedWriter, Staging } from '../staging.ts'
import type { S3Bucket } from './bucket.ts'
import { copyPieces } from './copy.ts'
import { headObject } from './objects.ts'
import { readObject } from './read.ts'
import { newSegmentName, type Piece, pieceSizeOf, piecesOf, uploadPlace } from './upload-pieces.ts'
import { UploadWriter } from './upload-writer.ts'

/**
 * The staging of a store in a bucket: an upload is a row of objects, its pieces, each written once at a key of its own. A multipart
 * upload would not do, since nobody can read it before it is complete. The pieces become a blob by being copied together in the
 * server where that was seen to work, else through this process.
 */
export class S3Staging implements Staging {
  readonly #bucket: S3Bucket
  readonly #store: Pick<BlobStore, 'put' | 'stat'>

  constructor(bucket: S3Bucket, store: Pick<BlobStore, 'put' | 'stat'>) {
    this.#bucket = bucket
    this.#store = store
  }

  async resume(id: string, from: StagedBytes, { alone, signal }: ResumeOptions): Promise<StagedWriter> {
    signal?.throwIfAborted()
    const place = this.#placeOf(id)
    const { before, last } = nextSegment(from, alone)
    const segment = last ?? { name: newSegmentName(this.#bucket.memory.partSize), size: 0 }
    return new UploadWriter(this.#bucket, { place, before, segment, tail: await this.#tailOf(id, from, segment, signal) })
  }

  read(id: string, bytes: StagedBytes, { signal }: Abortable = {}): ByteStream {
    return abortable(this.#readAll(id, bytes, signal), signal)
  }

  async publish(id: string, bytes: StagedBytes, digest: Digest, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    try {
      const pieces = this.#piecesOf(id, bytes)
      if (this.#canBeCopied(pieces)) await this.#copyTogether(id, bytes, pieces, digest, signal)
      else await this.#store.put(this.read(id, bytes, { signal }), () => digest, { signal })
    } catch (error) {
      if (!isArtifactError(error, 'blob-corrupt')) throw error
      // It was published and discarded by someone who did not come to say so.
      if ((await this.#store.stat(digest, { signal }))?.size !== bytes.size) throw error
    }
  }

  async discard(id: string, { signal }: Abortable = {}): Promise<void> {
    signal?.throwIfAborted()
    for await (const { key } of this.#bucket.list(this.#placeOf(id), { signal })) await this.#bucket.remove(key, { signal })
  }

  async *list({ signal }: Abortable = {}): AsyncGenerator<StagedEntry, void, void> {
    const { uploads } = this.#bucket.keys
    let current: StagedEntry | undefined
    for await (const { key, at = new Date() } of this.#bucket.list(uploads, { signal })) {
      const id = key.slice(uploads.length).split('/')[0] ?? ''
      if (!isUploadName(id)) continue
      if (current !== undefined && current.id !== id) yield current
      // The newest of its objects.
      current = current?.id === id && current.since > at ? current : { id, since: at }
    }
    if (current !== undefined) yield current
  }

  async *#readAll(id: string, bytes: StagedBytes, signal: AbortSignal | undefined): ByteStream {
    for (const piece of this.#piecesOf(id, bytes)) {
      await this.#requirePiece(id, bytes, piece, signal)
      yield* this.#readPiece(piece, signal)
    }
  }

  #readPiece({ key, size }: Piece, signal: AbortSignal | undefined): ByteStream {
    const { calls, capabilities } = this.#bucket
    return readObject(calls, { key, size, range: { start: 0, end: size }, ranges: capabilities.has('range'), signal })
  }

  /** What stands behind the last whole piece, to be written anew with what follows it. */
  async #tailOf(id: string, from: StagedBytes, segment: Segment, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (segment.size % pieceSizeOf(segment.name) === 0) return Buffer.alloc(0)
    const tail = piecesOf(this.#placeOf(id), segment).at(-1)
    if (tail === undefined) throw stagedBytesGone(id, from)
    await this.#requirePiece(id, from, tail, signal)
    const bytes: Uint8Array[] = []
    for await (const chunk of this.#readPiece(tail, signal)) bytes.push(chunk)
    return Buffer.concat(bytes)
  }

  async #requirePiece(id: string, bytes: StagedBytes, { key, size }: Piece, signal: AbortSignal | undefined): Promise<void> {
    if ((await headObject(this.#bucket.calls, key, { signal }))?.size !== size) throw stagedBytesGone(id, bytes)
  }

  /** Copied parts must be as large as any but the last one has to be, and not too many. */
  #canBeCopied(pieces: readonly Piece[]): boolean {
    const { capabilities, memory } = this.#bucket
    if (!capabilities.has('copy-part') || pieces.length < 2 || pieces.length > 10_000) return false
    return pieces.slice(0, -1).every(({ size }) => size >= Math.min(memory.partSize, leastCopiedPart))
  }

  async #copyTogether(
    id: string,
    bytes: StagedBytes,
    pieces: readonly Piece[],
    digest: Digest,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const piece of pieces) await this.#requirePiece(id, bytes, piece, signal)
    const key = this.#bucket.keys.blob(digest)
    this.#bucket.noteMaking(key)
    await copyPieces(this.#bucket.calls, key, pieces, { signal })
  }

  #piecesOf(id: string, bytes: StagedBytes): readonly Piece[] {
    return segmentsOf(bytes).flatMap(segment => piecesOf(this.#placeOf(id), segment))
  }

  #placeOf(id: string): string {
    return uploadPlace(this.#bucket.keys.uploads, id)
  }
}

/** S3's least size of a part that is not the last, 5 MiB. */
const leastCopiedPart = 5 * 1024 * 1024
