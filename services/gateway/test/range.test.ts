import { describe, expect, it } from 'vitest'
import { mostRanges, parseRanges } from '../src/http/range.ts'

const parse = (field: string, size = 10_000) => parseRanges(field, size)?.map(({ start, end }) => [start, end])

describe('a Range field', () => {
  it.each([
    ['bytes=0-0', [[0, 1]]],
    ['Bytes=5-', [[5, 10_000]]],
    ['bytes=-1', [[9_999, 10_000]]],
    ['bytes=9999-99999999999999999999999', [[9_999, 10_000]]],
    ['bytes=-99999', [[0, 10_000]]],
    [
      'bytes= 1-2 ,, 5000-5001',
      [
        [1, 3],
        [5_000, 5_002],
      ],
    ],
  ])('names the bytes that there are: %s', (field, ranges) => {
    expect(parse(field)).toEqual(ranges)
  })

  it.each([
    ['which overlap', 'bytes=0-500,400-900', [[0, 901]]],
    ['which touch', 'bytes=0-499,500-900', [[0, 901]]],
    ['which are nearer than another head is long', 'bytes=0-499,520-900', [[0, 901]]],
    ['which lie within another', 'bytes=0-9999,5-6', [[0, 10_000]]],
    [
      'in the other order',
      'bytes=5000-5001,0-1',
      [
        [0, 2],
        [5_000, 5_002],
      ],
    ],
    ['that are the same many times', `bytes=${Array(mostRanges).fill('0-').join(',')}`, [[0, 10_000]]],
  ])('names no byte twice: ranges %s', (_, field, ranges) => {
    expect(parse(field)).toEqual(ranges)
  })

  it('leaves out what begins behind the end, unless that is all', () => {
    expect(parse('bytes=10000-,5-6,-0')).toEqual([[5, 7]])
    expect(() => parse('bytes=10000-,20000-30000,-0')).toThrow(
      expect.objectContaining({ kind: 'range-not-satisfiable', details: { size: 10_000 } }),
    )
  })

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=5-2',
    'bytes=0-1,5-2',
    'bytes=1-2-3',
    'bytes=0x1-2',
    'lines=0-1',
    'bytes=+1-2',
  ])('that is no list of ranges of bytes counts for nothing: %s', field => {
    expect(parseRanges(field, 10_000)).toBeUndefined()
  })

  it('with too many ranges counts for nothing', () => {
    const field = (count: number) => `bytes=${Array.from({ length: count }, (_, i) => `${i * 1000}-${i * 1000}`).join(',')}`
    expect(parse(field(mostRanges), 1_000_000)).toHaveLength(mostRanges)
    expect(parse(field(mostRanges + 1), 1_000_000)).toBeUndefined()
    expect(parse(`bytes=0-1${','.repeat(10_000)}`)).toBeUndefined()
  })

  it('finds no first byte in nothing, and its last bytes are the whole', () => {
    expect(() => parse('bytes=0-', 0)).toThrow(expect.objectContaining({ kind: 'range-not-satisfiable' }))
    expect(parse('bytes=-5', 0)).toBeUndefined()
  })
})
