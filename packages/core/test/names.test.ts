import { describe, expect, it } from 'vitest'
import { parseLabels, parseMediaType, parsePackageKind, parsePackageName, parsePackageVersion } from '../src/index.ts'

const refused = expect.objectContaining({ kind: 'invalid-request' })

describe('a package name', () => {
  it.each(['ci', 'ci/nightly', 'a.b_c__d-e---f/0', 'a'.repeat(255)])('may be %j', text => {
    expect(parsePackageName(text)).toBe(text)
  })

  it.each(['', 'CI', '/ci', 'ci/', 'ci//n', '-ci', 'ci-', 'a..b', 'a___b', 'a b', 'ci:1', 'ci@x', 'é', 'a\n', 'a'.repeat(256)])(
    'may not be %j',
    text => {
      expect(() => parsePackageName(text)).toThrow(refused)
    },
  )

  it('is judged without trying every way to split it', () => {
    expect(() => parsePackageName(`${'a-'.repeat(127)}!`)).toThrow(refused)
    expect(() => parsePackageName(`a${'-'.repeat(250)}!`)).toThrow(refused)
  })
})

describe('a package version', () => {
  it.each(['1', '1.4.0-rc.1', '_x', 'A'.repeat(128)])('may be %j', text => {
    expect(parsePackageVersion(text)).toBe(text)
  })

  it.each(['', '.1', '-1', '1+2', 'a/b', 'a\n', 'A'.repeat(129)])('may not be %j', text => {
    expect(() => parsePackageVersion(text)).toThrow(refused)
  })
})

describe('a package kind', () => {
  it.each(['evidence', 'sbom.cyclonedx', 'x', 'a'.repeat(64)])('may be %j', text => {
    expect(parsePackageKind(text)).toBe(text)
  })

  it.each(['', 'Evidence', '-a', 'a-', 'a b', 'a'.repeat(65)])('may not be %j', text => {
    expect(() => parsePackageKind(text)).toThrow(refused)
  })
})

describe('labels', () => {
  it('are kept as they are', () => {
    expect(parseLabels({ 'ci.example/run': '42', empty: '', note: 'ein Prüflauf: \u{1f600}' })).toEqual({
      'ci.example/run': '42',
      empty: '',
      note: 'ein Prüflauf: \u{1f600}',
    })
  })

  it.each([
    ['a colon in a key', { 'a:b': '' }],
    ['an empty key', { '': '' }],
    ['a key that is too long', { ['k'.repeat(129)]: '' }],
    ['__proto__ as a key', JSON.parse('{"__proto__":"x"}') as Record<string, string>],
    ['a line break in a value', { a: 'x\ny' }],
    ['NUL in a value', { a: '\u0000' }],
    ['a lone surrogate in a value', { a: '\ud800' }],
    ['a value that is too long', { a: 'x'.repeat(1025) }],
    ['too many labels', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, '']))],
  ])('are refused with %s', (_, labels) => {
    expect(() => parseLabels(labels)).toThrow(refused)
  })
})

describe('a media type', () => {
  it.each([
    ['text/plain', 'text/plain'],
    ['Text/Plain; charset=utf-8', 'text/plain'],
    [' application/vnd.example+json ;v=1', 'application/vnd.example+json'],
  ])('is read from %j as %j', (contentType, mediaType) => {
    expect(parseMediaType(contentType)).toBe(mediaType)
  })

  it.each(['', 'text', 'text/', '/plain', 'text/plain/x', 'te xt/plain', ';'])('is not in %j', contentType => {
    expect(() => parseMediaType(contentType)).toThrow(expect.objectContaining({ kind: 'unsupported-media-type' }))
  })
})
