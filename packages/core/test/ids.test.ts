import { describe, expect, it } from 'vitest'
import {
  newPackageId,
  parseAnyDigest,
  parseDigest,
  parsePackageId,
  parsePosition,
  parseSha256,
  parseTokenId,
} from '../src/index.ts'

describe('a package id', () => {
  it('is a UUIDv7 that holds the time of its making', () => {
    const id = newPackageId(0x0198_c0de_cafe)
    expect(parsePackageId(id)).toBe(id)
    expect(id).toMatch(/^0198c0de-cafe-7/)
  })

  it('sorts as text by that time, also where the upper digits change', () => {
    const times = [0, 1, 2 ** 16 - 1, 2 ** 16, 2 ** 32 - 1, 2 ** 32, 1.7e12, 1.7e12 + 1, 2 ** 48 - 1]
    const ids = times.map(time => newPackageId(time))
    expect([...ids].sort((a, b) => (a < b ? -1 : 1))).toEqual(ids)
  })

  it('is never the same twice in one millisecond', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => newPackageId(1))).size).toBe(10_000)
  })

  it.each([
    '',
    'x',
    '0198C0DE-CAFE-7000-8000-000000000000',
    '0198c0de-cafe-4000-8000-000000000000',
    '0198c0de-cafe-7000-c000-000000000000',
    '../etc',
  ])('is not %j', text => {
    expect(() => parsePackageId(text)).toThrow(expect.objectContaining({ kind: 'package-not-found' }))
  })
})

describe('a digest', () => {
  const hex = 'ab'.repeat(32)

  it('is read in both forms where both are welcome, and in one where one is', () => {
    expect(parseAnyDigest(`sha256:${hex}`)).toBe(`sha256:${hex}`)
    expect(parseDigest(`blake3:${hex}`)).toBe(`blake3:${hex}`)
    expect(() => parseDigest(`sha256:${hex}`)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
    expect(() => parseSha256(`blake3:${hex}`)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })

  it.each(['', hex, `md5:${hex}`, `blake3:${hex.toUpperCase()}`, `blake3:${hex}0`, `blake3:${hex}\n`, `blake3:../${hex}`])(
    'is not %j',
    text => {
      expect(() => parseAnyDigest(text)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
    },
  )
})

describe('a token id', () => {
  it('is 32 hex digits', () => {
    expect(parseTokenId('0'.repeat(32))).toBe('0'.repeat(32))
    expect(() => parseTokenId('0'.repeat(31))).toThrow(expect.objectContaining({ kind: 'token-not-found' }))
  })
})

describe('a position', () => {
  it('is a whole number from 0', () => {
    expect(parsePosition('0')).toBe(0)
    expect(parsePosition('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
    for (const wrong of ['', '-1', '1.5', '1e3', ' 1', '9007199254740992', 'x']) {
      expect(() => parsePosition(wrong)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
    }
    expect(() => parsePosition(Number.NaN)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })
})
