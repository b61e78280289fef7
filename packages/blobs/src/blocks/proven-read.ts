import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { BlobStore, ByteStream } from '../blob-store.ts'
import type { ByteRange } from '../byte-range.ts'
import { type BlockRecord, isValueOf } from './block-record.ts'
import type { BlobFacts } from './block-records.ts'
import { blockSize, createBlockHasher, provenAtOnce } from './tree-hasher.ts'
import { Turns } from './turns.ts'

/**
 * Reads the blocks that the wanted part touches and yields each byte as soon as its block is proven. A backend that gives wrong bytes for a range is
 * asked for the whole, which some that do not know ranges give faithfully.
 * @throws ArtifactError `blob-corrupt` in the place of the first byte that cannot be proven; what the backend's get throws.
 */
export async function* provenRead(
  store: BlobStore,
  { digest, size, wanted }: BlobFacts & { readonly wanted: ByteRange },
  record: BlockRecord,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let position = wanted.start
  const rest = async function* (read: ByteRange, range: ByteRange | undefined) {
    let at = read.start
    for await (const piece of provenPieces(await store.get(digest, { range, signal }), { digest, size }, read, record)) {
      const part = piece.subarray(Math.max(0, position - at), Math.max(0, wanted.end - at))
      at += piece.length
      if (part.length === 0) continue
      position += part.length
      yield part
    }
  }
  if (position >= wanted.end) return
  const needed = { start: startOfBlock(position), end: Math.min(endOfBlock(wanted.end), size) }
  const isAll = needed.start === 0 && needed.end === size
  try {
    yield* rest(needed, isAll ? undefined : needed)
  } catch (error) {
    if (isAll || !isArtifactError(error, 'blob-corrupt')) throw error
    yield* rest({ start: 0, end: needed.end }, undefined)
  }
}

/** A block is held from its first byte until it is proven and has left. At most so many are; one that is slow to come or to leave keeps the others waiting for 250 ms. */
const turns = new Turns(provenAtOnce, 250)

/** The bytes of whole blocks from `read.start` on, each piece given out when all blocks that it is of are proven. Pieces are as long as they came. */
async function* provenPieces(
  bytes: ByteStream,
  { digest, size }: BlobFacts,
  read: ByteRange,
  record: BlockRecord,
): AsyncGenerator<Uint8Array, void, void> {
  const source = bytes[Symbol.asyncIterator]()
  /** Everything before it is proven. */
  let position = read.start
  /** What has come of the block there. */
  let rest: Uint8Array | undefined
  let wrong: ArtifactError | undefined

  const nextChunk = async (): Promise<Uint8Array> => {
    const { done, value } = await source.next()
    if (done) throw wrongBlock(digest, { start: startOfBlock(position), end: read.end })
    return value
  }
  const nextPieces = async (): Promise<Uint8Array[]> => {
    using hasher = await createBlockHasher()
    const pieces: Uint8Array[] = []
    let hashed = position
    hasher.begin(position / blockSize)
    for (;;) {
      const chunk = rest ?? (await nextChunk())
      rest = undefined
      let proven = 0
      for (let at = 0; at < chunk.length && hashed < read.end; ) {
        const end = Math.min(endOfBlock(hashed + 1), size)
        const piece = chunk.subarray(at, at + end - hashed)
        hasher.update(piece)
        at += piece.length
        hashed += piece.length
        if (hashed < end) continue
        const index = startOfBlock(hashed - 1) / blockSize
        if (!isValueOf(record, index, hasher.value())) {
          wrong = wrongBlock(digest, { start: index * blockSize, end })
          break
        }
        position = hashed
        proven = at
        hasher.begin(index + 1)
      }
      if (proven > 0) {
        // One piece where it can be, for whoever writes it.
        pieces.push(proven === chunk.length ? chunk : chunk.subarray(0, proven))
        if (proven < chunk.length) rest = chunk.subarray(proven)
        return pieces
      }
      if (wrong) throw wrong
      pieces.push(chunk)
    }
  }
  try {
    while (position < read.end) {
      using _ = await turns.take()
      const pieces = await nextPieces()
      // What has left is not held any more.
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) yield piece
      if (wrong) throw wrong
    }
  } finally {
    await source.return?.()
  }
}

function startOfBlock(position: number): number {
  return Math.floor(position / blockSize) * blockSize
}

/** Where the block ends that has the byte before `position`. */
function endOfBlock(position: number): number {
  return Math.ceil(position / blockSize) * blockSize
}

function wrongBlock(digest: string, { start, end }: ByteRange): ArtifactError {
  return new ArtifactError(
    'blob-corrupt',
    `the blob ${digest} is damaged: the backend gave wrong bytes, or too few, between byte ${start} and byte ${end}; upload the file again to heal it`,
    { details: { digest, start, end } },
  )
}
