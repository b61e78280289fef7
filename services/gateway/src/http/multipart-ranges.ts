import { randomBytes } from 'node:crypto'
import type { ByteRange, ByteStream } from '@artifact-store/blobs'

/** A body of several ranges. */
export interface MultipartRanges {
  readonly mediaType: string
  /** In bytes, with everything around the ranges. */
  readonly length: number
  /** The body. @param open gives the bytes of one range; they are opened one after another. */
  send(open: (range: ByteRange) => Promise<ByteStream>): ByteStream
}

/** Lays out a `multipart/byteranges` body (RFC 9110, section 14.6) of ranges of a representation of `size` bytes. */
export function multipartRanges(ranges: readonly ByteRange[], whole: { size: number; mediaType: string }): MultipartRanges {
  // Random, so that no one can store bytes that end a part early.
  const boundary = randomBytes(24).toString('base64url')
  const parts = ranges.map(range => ({ range, head: Buffer.from(partHead(range, whole, boundary)) }))
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    mediaType: `multipart/byteranges; boundary=${boundary}`,
    length: parts.reduce((sum, { range, head }) => sum + head.length + range.end - range.start, end.length),
    async *send(open) {
      for (const { range, head } of parts) {
        const chunks = (await open(range))[Symbol.asyncIterator]()
        try {
          // Before the part is begun: what is damaged at its first chunk is still refused as a whole.
          let chunk = await chunks.next()
          yield head
          for (; !chunk.done; chunk = await chunks.next()) yield chunk.value
        } finally {
          await chunks.return?.()
        }
      }
      yield end
    },
  }
}

function partHead({ start, end }: ByteRange, { size, mediaType }: { size: number; mediaType: string }, boundary: string): string {
  return `\r\n--${boundary}\r\nContent-Type: ${mediaType}\r\nContent-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`
}
