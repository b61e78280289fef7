import type { ByteStream } from '@artifact-store/blobs'

/** What is handed to a socket at once: the heads and bytes of many small files, in bytes. */
const gatherSize = 256 * 1024

/** The same bytes with small chunks copied together; large ones go through as they are. */
export async function* gathered(bytes: ByteStream): ByteStream {
  let filling = Buffer.allocUnsafeSlow(gatherSize)
  let filled = 0
  for await (const chunk of bytes) {
    if (chunk.length === 0) continue
    if (filled + chunk.length > gatherSize && filled > 0) {
      yield filling.subarray(0, filled)
      filling = Buffer.allocUnsafeSlow(gatherSize)
      filled = 0
    }
    if (chunk.length > gatherSize) {
      yield chunk
      continue
    }
    filling.set(chunk, filled)
    filled += chunk.length
  }
  if (filled > 0) yield filling.subarray(0, filled)
}
