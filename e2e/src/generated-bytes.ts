import { createCipheriv, createHash } from 'node:crypto'

const chunkBytes = 1024 * 1024

/** Bytes that look random and are the same for the same seed everywhere: AES-256-CTR over zeros. In chunks of at most 1 MiB. */
export function* generatedBytes(seed: string, size: number): Generator<Buffer, void, undefined> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16))
  const zeros = Buffer.alloc(chunkBytes)
  for (let left = size; left > 0; left -= chunkBytes) yield cipher.update(zeros.subarray(0, Math.min(left, chunkBytes)))
}
