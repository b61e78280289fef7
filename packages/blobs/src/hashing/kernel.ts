import type { Digest } from '@artifact-store/core'

/** The names of the kernels that there are. */
export type KernelName = 'portable' | 'native'

/** BLAKE3 of one stream. */
export interface Blake3Hasher {
  update(chunk: Uint8Array): void
  /** Ends the hasher: it can be called once. One that is given up before needs no closing. */
  digest(): Digest
  /** The chaining values of the blocks, 8 words each, in order; complete after `digest()`. Absent where the kernel does not tell them. */
  readonly values?: () => Uint32Array
}

/**
 * An implementation of BLAKE3. SHA-256 comes from `node:crypto` with each of them: its OpenSSL uses the processor's own instructions, and
 * no module in WebAssembly comes near.
 */
export interface HashKernel {
  readonly name: KernelName
  /** Whether its streams tell the chaining values of blocks, by which parts of a blob can be proven. */
  readonly tellsBlocks: boolean
  /** For what is in memory. */
  hash(bytes: Uint8Array): Digest
  /** For what comes in pieces. Pieces of 16 KiB and more are fastest: each crosses into the kernel by itself. */
  stream(): Promise<Blake3Hasher>
}
