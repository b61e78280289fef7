import { createHash } from 'node:crypto'
import { ArtifactError, type ContentDigests, type Digest, digestFromBytes, parseSha256 } from '@artifact-store/core'
import { createBLAKE3, type IHasher } from 'hash-wasm'

/** Hashes one stream. Chunks of 16 KiB and more are fastest: smaller ones cross into WebAssembly one by one. */
export interface ContentHasher {
  update(chunk: Uint8Array): void
  /** Both digests and the size of all that went by; ends the hasher, so it can be called once. */
  digests(): ContentDigests
}

/** BLAKE3 and SHA-256 in one pass. One that is given up before `digests()` needs no closing. */
export async function createContentHasher(): Promise<ContentHasher> {
  const blake3 = await createDigestHasher()
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
  }
}

/** Both digests of bytes that are in memory already. */
export async function hashBytes(bytes: Uint8Array): Promise<ContentDigests> {
  const hasher = await createContentHasher()
  hasher.update(bytes)
  return hasher.digests()
}

/** BLAKE3 alone, which is all that a read needs. `digest()` ends it. */
export interface DigestHasher {
  update(chunk: Uint8Array): void
  digest(): Digest
}

export async function createDigestHasher(): Promise<DigestHasher> {
  let instance: IHasher | undefined = idle.pop() ?? (await createBLAKE3())
  instance.init()
  return {
    update(chunk) {
      if (instance === undefined) throw spent()
      instance.update(chunk)
    },
    digest() {
      if (instance === undefined) throw spent()
      const digest = digestFromBytes(instance.digest('binary'))
      if (idle.length < keepIdle) idle.push(instance)
      instance = undefined
      return digest
    },
  }
}

// WebAssembly instances between two streams. Making one takes 75 to 100 µs, reusing one 4 µs, which at a thousand small files
// a second is a tenth of a core; each live one also reserves gigabytes of address space. They hold no state that outlives `init`.
const idle: IHasher[] = []
const keepIdle = 32

function spent(): ArtifactError {
  return new ArtifactError('internal', 'a hasher was used after its digest was taken; make a new one for each stream')
}
