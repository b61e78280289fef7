import { describe, expect, it } from 'vitest'
import { ArtifactError, canonicalJson, parseStrictJson } from '../src/index.ts'
import { randomJson, seededRandom } from './random-json.ts'
import { documents, numbers, refusedNumbers, sampleBytes } from './rfc-8785-vectors.ts'

function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE()
}

function refusal(value: unknown): ArtifactError {
  try {
    canonicalJson(value)
  } catch (error) {
    if (error instanceof ArtifactError) return error
    throw error
  }
  throw new Error('the value was not refused')
}

describe('canonical JSON', () => {
  it.each(numbers)('writes the double %s as %s', (bits, text) => {
    expect(canonicalJson(double(bits))).toBe(text)
  })

  it.each(refusedNumbers)('refuses the double %s, which is no number', bits => {
    expect(refusal(double(bits)).kind).toBe('invalid-json')
  })

  it.each(documents)('gives the canonical form of $name', ({ input, canonical }) => {
    expect(canonicalJson(JSON.parse(input))).toBe(canonical)
    expect(canonicalJson(parseStrictJson(input))).toBe(canonical)
  })

  it('gives the very bytes of section 3.2.4', () => {
    expect(Buffer.from(canonicalJson(JSON.parse(documents[0]?.input ?? ''))).toString('hex')).toBe(sampleBytes)
  })

  it('orders keys by UTF-16 units, where a surrogate pair comes before U+FB33, and not by code points', () => {
    expect(canonicalJson({ '\ufb33': 1, '\u{1f600}': 2 })).toBe('{"\u{1f600}":2,"\ufb33":1}')
  })

  it('orders keys that look like numbers as text', () => {
    expect(canonicalJson({ 10: 'b', 9: 'c', 1: 'a' })).toBe('{"1":"a","10":"b","9":"c"}')
  })

  it('escapes only what must be escaped, in the shortest way', () => {
    expect(canonicalJson('\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028\u2029')).toBe(
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028\u2029"',
    )
  })

  it('takes a property that is undefined for absent, first, last or alone', () => {
    expect(canonicalJson({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}')
    expect(canonicalJson({ a: undefined })).toBe('{}')
  })

  it('keeps a key named __proto__, and objects without a prototype', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"a":1},"b":2}'))).toBe('{"__proto__":{"a":1},"b":2}')
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }))).toBe('{"a":2,"b":1}')
  })

  it.each([
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a hole in an array', new Array(1)],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['bytes', new Uint8Array(2)],
    ['a boxed number', Object(1)],
    ['an instance of a class', new (class A {})()],
    ['an object with a prototype of its own', Object.create(Object.create(null))],
    ['a lone high surrogate', 'a\ud800'],
    ['a lone low surrogate', '\udc00a'],
    ['surrogates in the wrong order', '\udc00\ud800'],
    ['a lone surrogate in a key', { '\ud800': 1 }],
  ])('refuses %s', (_, value) => {
    expect(refusal(value).kind).toBe('invalid-json')
  })

  it('refuses what contains itself', () => {
    const list: unknown[] = []
    list.push({ list })
    expect(refusal(list).message).toContain('contains itself')
  })

  it('says where the trouble is, as a JSON Pointer', () => {
    const error = refusal({ list: [0, { 'a/b~c': Number.NaN }] })
    expect(error.details).toMatchObject({ place: '/list/1/a~1b~0c' })
    expect(error.message).toContain('at /list/1/a~1b~0c stands NaN')
  })

  it('writes the same text whatever the order of making, and reads back as the same value', () => {
    const random = seededRandom(8785)
    for (let i = 0; i < 3000; i++) {
      const value = randomJson(random)
      const text = canonicalJson(value)
      expect(JSON.parse(text)).toStrictEqual(value)
      expect(canonicalJson(JSON.parse(text))).toBe(text)
      expect(canonicalJson(parseStrictJson(JSON.stringify(value, null, 2)))).toBe(text)
      expect(text).toBe(naive(value))
    }
  })
})

/** The RFC's own sketch in ECMAScript (appendix A), as a second opinion. */
function naive(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(naive).join(',')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${naive(member)}`).join(',')}}`
}
