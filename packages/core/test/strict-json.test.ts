import { describe, expect, it } from 'vitest'
import { ArtifactError, parseStrictJson, parseStrictJsonObject } from '../src/index.ts'
import { randomJson, seededRandom } from './random-json.ts'

function refusal(input: string | Uint8Array, maxDepth?: number): ArtifactError {
  try {
    parseStrictJson(input, { maxDepth })
  } catch (error) {
    if (error instanceof ArtifactError) return error
    throw error
  }
  throw new Error(`${JSON.stringify(input)} was not refused`)
}

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    const random = seededRandom(7493)
    for (let i = 0; i < 3000; i++) {
      const value = randomJson(random)
      for (const text of [JSON.stringify(value), JSON.stringify(value, null, '\t')])
        expect(parseStrictJson(text)).toStrictEqual(value)
    }
  })

  it('reads bytes as UTF-8', () => {
    expect(parseStrictJson(Buffer.from('{"größe":["\u{1f600}"]}'))).toStrictEqual({ größe: ['\u{1f600}'] })
  })

  it('resolves every escape', () => {
    expect(parseStrictJson(String.raw`"\"\\\/\b\f\n\r\t\u0041\uD83D\uDe00"`)).toBe('"\\/\b\f\n\r\tA\u{1f600}')
  })

  it.each(['0', '-0', '1.5', '1e3', '1E+3', '1e-3', '-12.5e10', '123456789012345678901234567890', ' \t\r\n1 \t\r\n'])(
    'reads %j as JSON.parse does',
    text => {
      expect(parseStrictJson(text)).toBe(JSON.parse(text))
    },
  )

  it.each([
    ['nothing', ''],
    ['white space alone', ' \n'],
    ['two values', '1 2'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a leading comma', '[,1]'],
    ['a missing comma', '[1 2]'],
    ['a missing colon', '{"a" 1}'],
    ['a key without quotes', '{a:1}'],
    ['single quotes', "'a'"],
    ['a comment', '[1] // one'],
    ['a leading zero', '01'],
    ['a leading plus', '+1'],
    ['a bare point', '1.'],
    ['a bare exponent', '1e'],
    ['a hexadecimal number', '0x10'],
    ['NaN', 'NaN'],
    ['Infinity', '-Infinity'],
    ['undefined', 'undefined'],
    ['a word that begins like a literal', 'truely'],
    ['a broken literal', 'tru'],
    ['an unclosed string', '"a'],
    ['an unclosed array', '[1'],
    ['an unclosed object', '{"a":1'],
    ['an unknown escape', String.raw`"\x41"`],
    ['a short escape', String.raw`"\u12"`],
    ['a line break in a string', '"a\nb"'],
    ['NUL in a string', '"\u0000"'],
    ['a space that JSON does not know', '\u00a01'],
    ['a byte order mark', '\ufeff1'],
  ])('refuses %s, as RFC 8259 does', (_, text) => {
    expect(() => JSON.parse(text) as unknown).toThrow()
    expect(refusal(text).kind).toBe('invalid-json')
  })

  it.each([
    ['a duplicate key', '{"a":1,"b":2,"a":1}'],
    ['a duplicate key by an escape', String.raw`{"a":1,"\u0061":2}`],
    ['a duplicate __proto__', '{"__proto__":1,"__proto__":2}'],
    ['a duplicate key far inside', '[{"a":[{"b":{},"b":{}}]}]'],
    ['a lone high surrogate', String.raw`"\ud800"`],
    ['a lone low surrogate', String.raw`"\udc00"`],
    ['a surrogate pair in the wrong order', String.raw`"\ude00\ud83d"`],
    ['a lone surrogate in a key', String.raw`{"\ud800":1}`],
    ['half a pair escaped and half not closed', String.raw`"\ud83dx"`],
    ['a number beyond a double', '1e400'],
    ['a negative number beyond a double', '-1e400'],
  ])('refuses %s, as RFC 7493 does', (_, text) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow()
    expect(refusal(text).kind).toBe('invalid-json')
  })

  it.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut-off sequence', [0x22, 0xe2, 0x82]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x31]],
    ['UTF-16', [0x31, 0x00]],
  ])('refuses bytes with %s', (_, bytes) => {
    expect(refusal(Uint8Array.from(bytes)).kind).toBe('invalid-json')
  })

  it('does not take the same key in two objects for a duplicate, nor one that every object inherits', () => {
    expect(parseStrictJson('[{"a":1},{"a":{"a":2}}]')).toStrictEqual([{ a: 1 }, { a: { a: 2 } }])
    expect(parseStrictJson('{"toString":1,"constructor":2,"hasOwnProperty":3}')).toStrictEqual({
      toString: 1,
      constructor: 2,
      hasOwnProperty: 3,
    })
  })

  it('keeps __proto__ as a key and gives nobody a prototype', () => {
    const value = parseStrictJsonObject('{"__proto__":{"admin":true}}')
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('admin' in value).toBe(false)
  })

  it('stops at the depth that it was given, and long before the stack ends', () => {
    expect(parseStrictJson('[[[]]]', { maxDepth: 3 })).toEqual([[[]]])
    expect(refusal('[[[[]]]]', 3).message).toContain('deeper than 3')
    expect(refusal('{"a":{"a":{}}}', 2).message).toContain('deeper than 2')
    expect(refusal('['.repeat(1_000_000)).message).toContain('deeper than 128')
    expect(refusal('{"a":'.repeat(1_000_000)).message).toContain('deeper than 128')
  })

  it('says where the trouble is', () => {
    const error = refusal('{\n  "a": 1,\n  "a": 2\n}')
    expect(error.message).toBe('the JSON text is wrong at line 3, column 3: the key "a" stands twice in one object')
    expect(error.details).toMatchObject({ offset: 14, line: 3, column: 3 })
    expect(refusal('1 x').details).toMatchObject({ offset: 2, line: 1, column: 3 })
  })

  it.each(['[]', '1', 'null', '"{}"'])('gives no object for %s', text => {
    expect(() => parseStrictJsonObject(text)).toThrow(expect.objectContaining({ kind: 'invalid-json' }))
  })
})
