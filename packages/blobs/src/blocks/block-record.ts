import type { Digest } from '@artifact-store/core'
import { digestFromBytes } from '@artifact-store/core'
import { parentValue } from './compress.ts'
import { blockSize } from './tree-hasher.ts'
import { wordsPerValue } from './value-list.ts'

/**
 * What proves each block of a blob by itself: the chaining values of its blocks, which are inner nodes of the tree whose root is the blob's digest. So a
 * record needs no trust: folded to its root, it either is that digest or is worth nothing.
 */
export interface BlockRecord {
  /** 8 words a block. */
  readonly values: Uint32Array
}

/** A blob of no more bytes than this is one block, which its digest proves. */
export const largestWithoutRecord = blockSize

const valueLength = 32
const magic = 'artifact-store/blake3-blocks/1\n'

/** The record as it is stored: a line that names the format, then the values as BLAKE3 writes them, 32 bytes each. */
export function encodeRecord({ values }: BlockRecord): Uint8Array {
  const bytes = new Uint8Array(magic.length + values.length * 4)
  bytes.set(Buffer.from(magic))
  const view = new DataView(bytes.buffer, magic.length)
  for (const [index, word] of values.entries()) view.setUint32(index * 4, word, true)
  return bytes
}

/** The bytes of the record of a blob of `size` bytes. */
export function recordLength(size: number): number {
  return magic.length + Math.ceil(size / blockSize) * valueLength
}

/** The record, if these bytes are one and it proves to be that of the blob; otherwise undefined, whatever is wrong with them. */
export function proveRecord(bytes: Uint8Array, { digest, size }: { digest: Digest; size: number }): BlockRecord | undefined {
  if (size <= largestWithoutRecord || bytes.length !== recordLength(size)) return undefined
  if (Buffer.from(bytes.subarray(0, magic.length)).toString('latin1') !== magic) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + magic.length)
  const values = Uint32Array.from({ length: (bytes.length - magic.length) / 4 }, (_, index) => view.getUint32(index * 4, true))
  return rootOf(values) === digest ? { values } : undefined
}

/** Whether the block with that number has this chaining value. */
export function isValueOf({ values }: BlockRecord, index: number, value: Uint32Array): boolean {
  return valueAt(values, index).every((word, at) => word === value[at])
}

/** The digest of a blob of two blocks or more, from the chaining values of its blocks. */
function rootOf(values: Uint32Array): Digest {
  const count = values.length / wordsPerValue
  const node = (from: number, to: number): Uint32Array => {
    if (to - from === 1) return valueAt(values, from)
    const middle = from + leftSize(to - from)
    return parentValue(node(from, middle), node(middle, to), { isRoot: to - from === count })
  }
  return digestFromBytes(bytesOf(node(0, count)))
}

function valueAt(values: Uint32Array, index: number): Uint32Array {
  return values.subarray(index * wordsPerValue, (index + 1) * wordsPerValue)
}

/** Blocks of the left child: the largest power of two that leaves something for the right one. */
function leftSize(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1))
}

function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true)
  return bytes
}
