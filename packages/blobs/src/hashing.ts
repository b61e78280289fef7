import { createHash, hash } from 'node:crypto'
import { type ContentDigests, parseSha256 } from '@artifact-store/core'
import type { HashKernel } from './hashing/kernel.ts'
import { portableKernel } from './hashing/portable-kernel.ts'

/** Hashes one stream on the thread that calls it. Chunks of 16 KiB and more are fastest. */
export interface ContentHasher {
  update(chunk: Uint8Array): void
  /** Both digests and the size of all that went by; ends the hasher, so it can be called once. */
  digests(): ContentDigests
  /** The chaining values of the blocks, 8 words each, in order, where the kernel tells them; to be asked for after `digests()`. */
  blockValues(): Uint32Array | undefined
}

/** BLAKE3 and SHA-256 in one pass. One that is given up before `digests()` needs no closing. */
export async function createContentHasher(kernel: HashKernel = portableKernel): Promise<ContentHasher> {
  const blake3 = await kernel.stream()
  const sha256 = createHash('sha256')
  let size = 0
  return {
    update(chunk) {
      blake3.update(chunk)
      sha256.update(chunk)
      size += chunk.length
    },
    digests() {
      return { digest: blake3.digest(), sha256: parseSha256(`sha256:${sha256.digest('hex')}`), size }
    },
    blockValues: () => blake3.values?.(),
  }
}

/** Both digests of bytes that are in memory already. */
export async function hashBytes(bytes: Uint8Array, kernel: HashKernel = portableKernel): Promise<ContentDigests> {
  return { digest: kernel.hash(bytes), sha256: parseSha256(`sha256:${hash('sha256', bytes, 'hex')}`), size: bytes.length }
}
