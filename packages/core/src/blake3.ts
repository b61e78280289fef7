import { createBLAKE3 } from 'hash-wasm'
import { type Digest, digestFromBytes } from './digest.ts'

// One instance serves every call: init, update and digest run to the end without yielding, so no two calls interleave.
const hasher = await createBLAKE3()

/** The raw 32 bytes of BLAKE3 over `data` (a string is taken as UTF-8). For small values; streams have `blobs/hashing.ts`. */
export function blake3(data: Uint8Array | string): Uint8Array {
  return hasher.init().update(data).digest('binary')
}

/** A BLAKE3 hash that takes its data in pieces. For text that is made as it is hashed; blobs have `blobs/hashing.ts`. */
export interface Blake3Stream {
  /** A string is taken as UTF-8; no piece may end inside a surrogate pair. */
  update(data: Uint8Array | string): void
  /** To be asked for once, at the end. */
  digest(): Digest
}

/** A stream of its own, to be used across awaits. */
export async function blake3Stream(): Promise<Blake3Stream> {
  const own = (await createBLAKE3()).init()
  return {
    update(data) {
      own.update(data)
    },
    digest: () => digestFromBytes(own.digest('binary')),
  }
}
