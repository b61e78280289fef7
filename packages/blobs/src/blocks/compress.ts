/**
 * The compression function of BLAKE3 (the paper, section 2.2), for what is between the chunks: a parent node for each block, and the last chunk
 * of a stream. The chunks themselves are hashed by a kernel.
 */
export const flags = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const

/** The chaining value of an empty tree, which is that of SHA-256 and BLAKE2s. */
const initialValue: Uint32Array = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
)

export interface Compression {
  /** 8 words. */
  readonly value: Uint32Array
  /** 16 words. */
  readonly block: Uint32Array
  /** Bytes of the block that count. */
  readonly length: number
  /** The number of the chunk; 0 for a parent. */
  readonly counter: number
  readonly flags: number
}

// Used over and over: the nodes of a large blob are a thousand, and what each left behind took the heap of 64 readers up by thirty megabytes.
const state = new Uint32Array(16)
const children = new Uint32Array(16)

/** The first 8 words of the output. */
export function compress({ value, block, length, counter, flags: domain }: Compression): Uint32Array {
  state.set(value)
  for (let index = 0; index < 4; index += 1) state[8 + index] = initialValue[index] ?? 0
  state[12] = counter
  state[13] = counter / 0x1_0000_0000
  state[14] = length
  state[15] = domain
  for (const schedule of schedules) round(block, schedule)
  const output = new Uint32Array(8)
  for (let index = 0; index < 8; index += 1) output[index] = (state[index] ?? 0) ^ (state[index + 8] ?? 0)
  return output
}

/** The chaining value of a node of two children, 8 words each; at the root of the tree it is the digest. */
export function parentValue(left: Uint32Array, right: Uint32Array, { isRoot = false } = {}): Uint32Array {
  children.set(left)
  children.set(right, 8)
  return compress({
    value: initialValue,
    block: children,
    length: 64,
    counter: 0,
    flags: flags.parent | (isRoot ? flags.root : 0),
  })
}

// Where the four columns and the four diagonals of the state stand.
const lanes = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const
const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8] as const
const schedules = messageSchedules()

/** The order in which each of the 7 rounds takes the words of the message. */
function messageSchedules(): readonly (readonly number[])[] {
  const first = Array.from(permutation, (_, index) => index)
  const all = [first]
  for (let at = 1; at < 7; at += 1) all.push(permutation.map(from => all[at - 1]?.[from] ?? 0))
  return all
}

function round(message: Uint32Array, schedule: readonly number[]): void {
  let next = 0
  for (const lane of lanes) {
    half(lane, message[schedule[next] ?? 0] ?? 0, 16, 12)
    half(lane, message[schedule[next + 1] ?? 0] ?? 0, 8, 7)
    next += 2
  }
}

function half(lane: (typeof lanes)[number], word: number, first: number, second: number): void {
  const va = ((state[lane[0]] ?? 0) + (state[lane[1]] ?? 0) + word) | 0
  const vd = rotate((state[lane[3]] ?? 0) ^ va, first)
  const vc = ((state[lane[2]] ?? 0) + vd) | 0
  state[lane[0]] = va
  state[lane[3]] = vd
  state[lane[2]] = vc
  state[lane[1]] = rotate((state[lane[1]] ?? 0) ^ vc, second)
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}
