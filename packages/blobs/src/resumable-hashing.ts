import { createHash, type Hash } from 'node:crypto'
import { type Digest, digestFromBytes, parseSha256, type Sha256Digest } from '@artifact-store/core'
import { createBLAKE3, type IHasher } from 'hash-wasm'

/**
 * BLAKE3 and SHA-256 of a stream that comes in pieces, through several processes. The state of BLAKE3 is bytes that can be kept anywhere.
 * There is no such thing for OpenSSL's SHA-256, and the SHA-256 that has one is several times slower, so that one lives in memory only: who
 * goes on without it has to read the bytes once more in the end (ADR 0022).
 */
export interface ResumableHasher {
  update(chunk: Uint8Array): void
  /** The state of BLAKE3 after all that went by, some 2 KiB at most. */
  save(): Uint8Array
  /** SHA-256 as it stands, for a later hasher of this process; undefined when the beginning did not go by here. */
  readonly sha256: Hash | undefined
}

/**
 * @param from where another hasher stopped: its saved state, and its SHA-256 where that is at hand; undefined for the beginning of a stream.
 * @returns undefined for a state that another version of the implementation saved.
 */
export async function resumeHasher(
  from: { readonly blake3: Uint8Array; readonly sha256: Hash | undefined } | undefined,
): Promise<ResumableHasher | undefined> {
  const blake3 = await createBLAKE3()
  blake3.init()
  if (from && !load(blake3, from.blake3)) return undefined
  const sha256 = from ? from.sha256?.copy() : createHash('sha256')
  return {
    sha256,
    update(chunk) {
      blake3.update(chunk)
      sha256?.update(chunk)
    },
    save: () => Uint8Array.from(blake3.save()),
  }
}

/** The digest of all that went by before the state was saved; undefined for a state of another version. */
export async function digestOfState(blake3: Uint8Array): Promise<Digest | undefined> {
  const hasher = await createBLAKE3()
  hasher.init()
  return load(hasher, blake3) ? digestFromBytes(hasher.digest('binary')) : undefined
}

export function sha256Of(hash: Hash): Sha256Digest {
  return parseSha256(`sha256:${hash.copy().digest('hex')}`)
}

function load(hasher: IHasher, state: Uint8Array): boolean {
  try {
    hasher.load(state)
    return true
  } catch {
    // It names its implementation in its first bytes, and refuses every other; there is no other reason.
    return false
  }
}
