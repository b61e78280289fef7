import { createHash, type Hash } from 'node:crypto'
import type { BlobStore, ByteStream } from './blob-store.ts'
import type { ByteRange } from './byte-range.ts'
import { CopiesInTurn, type InTurn, otherBytes } from './copies-in-turn.ts'

/** Bytes of a copy: each proven when it comes, or all of them only when the last one has come. */
export interface OpenedCopy {
  readonly bytes: ByteStream
  readonly provenAsTheyCome: boolean
}

export interface AnyCopy extends InTurn {
  readonly wanted: ByteRange
  /** Opens a part of the blob in one store, as a stream that throws in the place of what it cannot prove. */
  readonly open: (store: BlobStore, part: ByteRange) => Promise<OpenedCopy>
}

/**
 * The wanted bytes from the first copy that gives them. Where one fails, the next one goes on from the byte at which it failed. Bytes that had gone out
 * before they were proven are compared with what the next one has in their place: a stream that began with wrong bytes is not completed.
 * @throws ArtifactError when every copy fails, as `CopiesInTurn` says
 */
export async function readAnyCopy(copies: readonly BlobStore[], { wanted, open, ...options }: AnyCopy): Promise<ByteStream> {
  const inTurn = new CopiesInTurn(copies, options)

  async function* goOn(first: OpenedCopy): ByteStream {
    const unproven = new Unproven(wanted.start)
    let copy = first
    for (;;) {
      try {
        for await (const chunk of unproven.behind(copy.bytes)) {
          unproven.sent(chunk, copy)
          yield chunk
        }
        return
      } catch (error) {
        inTurn.failed(error)
      }
      copy = await inTurn.next(store => open(store, { start: unproven.from, end: wanted.end }))
    }
  }

  return goOn(await inTurn.next(store => open(store, wanted)))
}

/** What has gone out and is not proven yet. */
class Unproven {
  /** Where it begins. */
  from: number
  #size = 0
  #digest: Hash = createHash('sha256')

  constructor(from: number) {
    this.from = from
  }

  /** To be told of what goes out, before whoever receives it may change it. */
  sent(chunk: Uint8Array, { provenAsTheyCome }: OpenedCopy): void {
    if (!provenAsTheyCome) {
      this.#digest.update(chunk)
      this.#size += chunk.length
      return
    }
    // With it, all before it: a copy whose bytes are proven was compared up to here.
    this.from += this.#size + chunk.length
    if (this.#size > 0) this.#digest = createHash('sha256')
    this.#size = 0
  }

  /** What comes behind it in a stream that begins where it begins. @throws `otherBytes` when the stream begins with others. */
  async *behind(bytes: ByteStream): ByteStream {
    const again = createHash('sha256')
    const digest = this.#digest.copy().digest()
    let left = this.#size
    for await (const chunk of bytes) {
      const repeated = chunk.subarray(0, left)
      if (repeated.length === 0) {
        yield chunk
        continue
      }
      again.update(repeated)
      left -= repeated.length
      if (left > 0) continue
      if (!again.digest().equals(digest)) throw otherBytes
      if (chunk.length > repeated.length) yield chunk.subarray(repeated.length)
    }
  }
}
