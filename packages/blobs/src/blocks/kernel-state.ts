import { compress, flags, parentValue } from './compress.ts'

/**
 * The state that hash-wasm's BLAKE3 saves and loads: four bytes that name the kernel, then `blake3_hasher` as the reference implementation in C lays
 * it out. It holds what no digest shows: the chaining values of the subtrees that are complete (`cv_stack`). The catalog pins the version, and
 * `tree-hasher.test.ts` compares with BLAKE3's own test vectors.
 */
const at = {
  value: 36,
  counter: 68,
  buffer: 76,
  bufferLength: 140,
  blocksCompressed: 141,
  flags: 142,
  stackLength: 148,
  stack: 149,
}
const valueLength = 32

/** A state in which a subtree begins at chunk number `firstChunk`, made from that of a hasher that has seen nothing. */
export function stateAt(fresh: Uint8Array, firstChunk: number): Uint8Array {
  const state = Uint8Array.from(fresh)
  const view = new DataView(state.buffer)
  view.setUint32(at.counter, firstChunk, true)
  view.setUint32(at.counter + 4, firstChunk / 0x1_0000_0000, true)
  // As many values as stand before the subtree: what they are does not matter, that they are there keeps the hasher from merging into them.
  state[at.stackLength] = subtreesBefore(firstChunk)
  return state
}

/** The chaining value of all that was hashed from chunk number `firstChunk` on; a subtree begins there, and no more of it than itself was hashed. */
export function valueSince(state: Uint8Array, firstChunk: number): Uint32Array {
  const values: Uint32Array[] = []
  for (let index = subtreesBefore(firstChunk); index < (state[at.stackLength] ?? 0); index += 1)
    values.push(wordsOf(state, at.stack + index * valueLength, 8))
  const open = openChunk(state)
  if (open !== undefined) values.push(open)
  // The smaller subtrees are to the right.
  return values.reduceRight((right, left) => parentValue(left, right))
}

/** The value of the chunk that is not closed yet; undefined when the last byte closed one. */
function openChunk(state: Uint8Array): Uint32Array | undefined {
  const view = new DataView(state.buffer, state.byteOffset)
  const blocks = state[at.blocksCompressed] ?? 0
  const length = state[at.bufferLength] ?? 0
  if (blocks === 0 && length === 0) return undefined
  return compress({
    value: wordsOf(state, at.value, 8),
    block: wordsOf(state, at.buffer, 16),
    length,
    counter: view.getUint32(at.counter, true) + view.getUint32(at.counter + 4, true) * 0x1_0000_0000,
    flags: (state[at.flags] ?? 0) | (blocks === 0 ? flags.chunkStart : 0) | flags.chunkEnd,
  })
}

/** The complete subtrees to the left of a chunk: one for each bit of its number. */
function subtreesBefore(chunk: number): number {
  let count = 0
  for (let rest = chunk; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

function wordsOf(state: Uint8Array, offset: number, count: number): Uint32Array {
  const view = new DataView(state.buffer, state.byteOffset + offset)
  return Uint32Array.from({ length: count }, (_, index) => view.getUint32(index * 4, true))
}
