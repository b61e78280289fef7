import { createCipheriv, createHash } from 'node:crypto'

const chunkBytes = 1024 * 1024

const blockBytes = 16

/**
 * Bytes that look random and are the same for the same seed everywhere: AES-256-CTR over zeros. In chunks of at most 1 MiB.
 * @param from where to begin, in bytes.
 */
export function* generatedBytes(seed: string, size: number, from = 0): Generator<Buffer, void, undefined> {
  const counter = Buffer.alloc(blockBytes)
  counter.writeBigUInt64BE(BigInt(Math.floor(from / blockBytes)), blockBytes - 8)
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), counter)
  cipher.update(Buffer.alloc(from % blockBytes))
  const zeros = Buffer.alloc(chunkBytes)
  for (let left = size - from; left > 0; left -= chunkBytes) yield cipher.update(zeros.subarray(0, Math.min(left, chunkBytes)))
}
