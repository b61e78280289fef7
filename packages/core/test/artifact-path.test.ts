import { describe, expect, it } from 'vitest'
import { ancestorsOf, comparePathBytes, parseArtifactPath, portabilityKey, portabilityWarnings } from '../src/index.ts'
import { seededRandom } from './random-json.ts'

describe('an artifact path', () => {
  it.each([
    'a',
    'a/b',
    'logs/run 1.txt',
    '.hidden',
    '..a',
    'a..',
    '...',
    'größe/日本/\u{1f600}',
    'C:\u2215x',
    '-rf',
    '~',
    '%2e%2e',
    'a\u200db',
  ])('may be %j', text => {
    expect(parseArtifactPath(text)).toBe(text)
  })

  it.each([
    ['is empty', ''],
    ['begins with "/"', '/etc/passwd'],
    ['begins with "/"', '/'],
    ['has an empty segment', 'a//b'],
    ['has an empty segment', 'a/'],
    ['has the segment "."', './a'],
    ['has the segment "."', 'a/./b'],
    ['has the segment ".."', '..'],
    ['has the segment ".."', '../a'],
    ['has the segment ".."', 'a/../../b'],
    ['holds a backslash', 'a\\..\\b'],
    ['holds a control character', 'a\u0000'],
    ['holds a control character', 'a\nb'],
    ['holds a control character', 'a\u007f'],
    ['holds a control character', 'a\u0085b'],
    ['holds a lone surrogate', 'a\ud800'],
    ['is longer than 1024 bytes', `${'a/'.repeat(512)}a`],
    ['has a segment longer than 255 bytes', 'é'.repeat(128)],
  ])('that %s is refused: %j', (rule, text) => {
    expect(() => parseArtifactPath(text)).toThrow(
      expect.objectContaining({ kind: 'invalid-path', details: expect.objectContaining({ rule }) }),
    )
  })

  it('may have exactly 1024 bytes, and 255 in a segment', () => {
    expect(() => parseArtifactPath(`${'a/'.repeat(511)}ab`)).not.toThrow()
    expect(() => parseArtifactPath('a'.repeat(255))).not.toThrow()
    expect(() => parseArtifactPath(`${'é'.repeat(127)}a`)).not.toThrow()
  })

  it('is one path in whatever form of Unicode it was typed', () => {
    expect(parseArtifactPath('cafe\u0301')).toBe(parseArtifactPath('caf\u00e9'))
    expect(parseArtifactPath('\u212b')).toBe('\u00c5')
  })

  it('lies in its directories, outermost first', () => {
    expect(ancestorsOf(parseArtifactPath('a/b/c'))).toEqual(['a', 'a/b'])
    expect(ancestorsOf(parseArtifactPath('a'))).toEqual([])
  })

  it('is ordered by the bytes of its UTF-8', () => {
    expect(comparePathBytes('a-b', 'a/b')).toBeLessThan(0)
    expect(comparePathBytes('a', 'a/b')).toBeLessThan(0)
    expect(comparePathBytes('\ufb33', '\u{1f600}')).toBeLessThan(0)
    expect(comparePathBytes('\u{1f600}', '\u{1f601}')).toBeLessThan(0)
    const random = seededRandom(3629)
    const points = [0x2f, 0x61, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff]
    const text = () =>
      String.fromCodePoint(
        ...Array.from({ length: 1 + Math.floor(random() * 3) }, () => points[Math.floor(random() * points.length)] ?? 0),
      )
    for (let i = 0; i < 5000; i++) {
      const [a, b] = [text(), text()]
      expect(Math.sign(comparePathBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }
  })
})

describe('portability', () => {
  it.each([
    ['trailing-dot-or-space', 'logs./a'],
    ['trailing-dot-or-space', 'a '],
    ['reserved-name', 'aux'],
    ['reserved-name', 'x/NUL.txt'],
    ['reserved-name', 'com1'],
    ['reserved-character', 'C:/a'],
    ['reserved-character', 'what?'],
  ])('reports %s for %j, which is legal', (rule, text) => {
    expect(portabilityWarnings(parseArtifactPath(text)).map(warning => warning.rule)).toEqual([rule])
  })

  it.each(['logs/run.txt', 'auxiliary', 'company/com10', '.hidden', 'größe'])('has nothing to say about %j', text => {
    expect(portabilityWarnings(parseArtifactPath(text))).toEqual([])
  })

  it('has one key for paths that differ only in case', () => {
    const key = (text: string) => portabilityKey(parseArtifactPath(text))
    expect(key('README.md')).toBe(key('readme.MD'))
    expect(key('STRASSE')).toBe(key('straße'))
    expect(key('a')).not.toBe(key('b'))
  })
})
