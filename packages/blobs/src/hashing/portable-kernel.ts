import { blake3 } from '@artifact-store/core/blake3'
import { digestFromBytes } from '@artifact-store/core/digest'
import { createTreeHasher } from '../blocks/tree-hasher.ts'
import type { HashKernel } from './kernel.ts'

/** BLAKE3 in WebAssembly (hash-wasm): runs wherever Node does, and is what every other kernel is checked against. */
export const portableKernel: HashKernel = {
  name: 'portable',
  tellsBlocks: true,
  hash: bytes => digestFromBytes(blake3(bytes)),
  stream: createTreeHasher,
}
