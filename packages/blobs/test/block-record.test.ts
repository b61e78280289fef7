import { describe, expect, it } from 'vitest'
import { encodeRecord, isValueOf, proveRecord, recordLength } from '../src/blocks/block-record.ts'
import { createBlockHasher, createTreeHasher } from '../src/blocks/tree-hasher.ts'
import { content, mebibyte } from '../src/conformance/content.ts'

/** Around every way in which the last block, its last chunk and the tree above can end. */
const sizes = [
  mebibyte + 1,
  mebibyte + 1024,
  mebibyte + 1025,
  2 * mebibyte - 1,
  2 * mebibyte,
  3 * mebibyte,
  5 * mebibyte + 77_777,
  8 * mebibyte,
]
const pieces = [1000, 64 * 1024, mebibyte, 3 * mebibyte + 1]

async function hashed(bytes: Uint8Array, piece = 64 * 1024) {
  const hasher = await createTreeHasher()
  for (let at = 0; at < bytes.length; at += piece) hasher.update(bytes.subarray(at, at + piece))
  return { digest: hasher.digest(), values: hasher.values() }
}

describe('the chaining values of the blocks', () => {
  it.each(sizes)('fold to the digest of a blob of %i bytes, however it was cut', async size => {
    const { bytes, digest } = await content(size)
    for (const piece of pieces) {
      const tree = await hashed(bytes, piece)
      expect(tree.digest).toBe(digest)
      expect(proveRecord(encodeRecord(tree), { digest, size })).toEqual({ values: tree.values })
    }
  })

  it.each(sizes)('are those of each block by itself, in a blob of %i bytes', async size => {
    const { bytes } = await content(size)
    const record = await hashed(bytes)
    using hasher = await createBlockHasher()
    for (const piece of pieces) {
      for (let index = Math.ceil(size / mebibyte) - 1; index >= 0; index -= 1) {
        hasher.begin(index)
        const block = bytes.subarray(index * mebibyte, (index + 1) * mebibyte)
        for (let at = 0; at < block.length; at += piece) hasher.update(block.subarray(at, at + piece))
        expect(isValueOf(record, index, hasher.value())).toBe(true)
      }
    }
  })

  it('tell a block from one with another bit, and from the same bytes elsewhere', async () => {
    const bytes = new Uint8Array(3 * mebibyte)
    const record = await hashed(bytes)
    using hasher = await createBlockHasher()
    const valueAt = (index: number, block: Uint8Array) => {
      hasher.begin(index)
      hasher.update(block)
      return hasher.value()
    }
    const block = bytes.slice(0, mebibyte)
    expect(isValueOf(record, 1, valueAt(1, block))).toBe(true)
    expect(isValueOf(record, 1, valueAt(0, block))).toBe(false)
    block[500_000] = 1
    expect(isValueOf(record, 1, valueAt(1, block))).toBe(false)
  })
})

describe('a record', () => {
  it('has 32 bytes a block, behind the name of its format', () => {
    expect(recordLength(5 * mebibyte + 1) - recordLength(3 * mebibyte)).toBe(3 * 32)
  })

  it('with any bit the other way round is none', async () => {
    const size = 5 * mebibyte + 3
    const { bytes, digest } = await content(size)
    const encoded = encodeRecord(await hashed(bytes))
    for (let at = 0; at < encoded.length; at += 7) {
      const damaged = Uint8Array.from(encoded)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      expect(proveRecord(damaged, { digest, size })).toBeUndefined()
    }
  })

  it('of another blob, of another size, cut or lengthened is none', async () => {
    const size = 2 * mebibyte + 3
    const [one, other] = await Promise.all([content(size, 1), content(size, 2)])
    const encoded = encodeRecord(await hashed(one.bytes))
    expect(proveRecord(encoded, { digest: other.digest, size })).toBeUndefined()
    expect(proveRecord(encoded, { digest: one.digest, size: size + mebibyte })).toBeUndefined()
    expect(proveRecord(encoded.subarray(0, -1), { digest: one.digest, size })).toBeUndefined()
    expect(proveRecord(new Uint8Array(0), { digest: one.digest, size })).toBeUndefined()
    expect(proveRecord(encoded, { digest: one.digest, size: 0 })).toBeUndefined()
  })
})
