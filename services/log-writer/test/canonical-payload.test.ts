import { canonicalJson, isJsonArray, parseStrictJson } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { readCanonicalObject } from '../src/canonical-payload.ts'

/** What canonical means, said as slowly as it can be. */
function byDefinition(text: string): unknown {
  const value = parseStrictJson(text)
  const isObject = typeof value === 'object' && value !== null && !isJsonArray(value)
  return isObject && canonicalJson(value) === text ? value : undefined
}

function verdict(read: (text: string) => unknown, text: string): unknown {
  try {
    return read(text)
  } catch (error) {
    return error
  }
}

describe('a canonical payload', () => {
  it.each([
    '{}',
    '{"a":1,"b":[{"c":null}],"d":"\\u001f\\"\\\\é\u{1f600}"}',
    '{"10":1,"9":2}',
    '{"9":1,"10":2}',
    '{"b":1,"a":1}',
    '{"a":{"b":1,"a":1}}',
    '{"a":[{"b":1,"a":1}]}',
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '{"__proto__":{"b":1,"a":2}}',
    '{"toJSON":1}',
    '{"constructor":{"prototype":0}}',
    '{"a":1.0}',
    '{"a":1e2}',
    '{"a":1e21}',
    '{"a":1e+21}',
    '{"a":-0}',
    '{"a":1e999}',
    '{"a":12345678901234567890}',
    '{"a":0.1}',
    '{"a":5e-324}',
    '{"a": 1}',
    ' {"a":1}',
    '{"a":1}\n',
    '\ufeff{"a":1}',
    '{"a":"\\/"}',
    '{"a":"\\u0041"}',
    '{"a":"\\u000a"}',
    '{"a":"\\n"}',
    '{"a":"\\u001F"}',
    '{"a":"\\ud800"}',
    '{"a":"\\\\ud800"}',
    '{"\\ud800":1}',
    '{"a":"\ud800"}',
    '{"\udc00":1}',
    '{"\u{1f600}":1,"\uffff":2}',
    '{"\uffff":1,"\u{1f600}":2}',
    '{"a":"\u2028\u2029\u007f"}',
    '[1]',
    '"a"',
    'null',
    '1',
    '',
    '{',
    '{"a":}',
    "{'a':1}",
    '{"a":undefined}',
    `{"a":${'['.repeat(126)}${']'.repeat(126)}}`,
    `{"a":${'['.repeat(127)}${']'.repeat(127)}}`,
    `{"a":${'['.repeat(128)}${']'.repeat(128)}}`,
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
  ])('is exactly what the definition says, and so is the error of what is none: %s', text => {
    expect(verdict(readCanonicalObject, text)).toEqual(verdict(byDefinition, text))
  })

  it('is so for texts that chance wrote, and for those with a character changed', () => {
    const random = randomFrom(20_261_123)
    let canonical = 0
    for (let i = 0; i < 20_000; i++) {
      const text = mutated(randomText(random, 4), random)
      const expected = verdict(byDefinition, text)
      expect(verdict(readCanonicalObject, text), text).toEqual(expected)
      if (expected !== undefined && !(expected instanceof Error)) canonical += 1
    }
    expect(canonical).toBeGreaterThan(1000)
  })
})

type Random = (below: number) => number

/** A small linear congruential generator: the same texts in every run. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomText(random: Random, depth: number): string {
  const members = Array.from({ length: random(4) }, () => [randomString(random), randomValue(random, depth)] as const)
  const keys = members.map(([key]) => key)
  // biome-ignore lint/suspicious/useArraySortCompare: the order of UTF-16 code units is what is meant.
  const sorted = random(8) === 0 ? keys : keys.toSorted()
  return `{${sorted.map((key, i) => `${key}:${members[i]?.[1]}`).join(',')}}`
}

function randomValue(random: Random, depth: number): string {
  const scalars = ['null', 'true', 'false', '0', '-1', '1.5', '1e+21', '1e21', '0.000001', '1e-7', '100', '-0']
  const kind = random(depth === 0 ? 2 : 4)
  if (kind === 0) return scalars[random(scalars.length)] ?? ''
  if (kind === 1) return randomString(random)
  if (kind === 2) return `[${Array.from({ length: random(3) }, () => randomValue(random, depth - 1)).join(',')}]`
  return randomText(random, depth - 1)
}

function randomString(random: Random): string {
  const pieces = [
    'a',
    'b',
    'Z',
    '1',
    '10',
    '9',
    '_',
    'é',
    '\u{1f600}',
    '\\n',
    '\\"',
    '\\\\',
    '\\u0001',
    '\\ud83d',
    '__proto__',
    '\uffff',
  ]
  return `"${Array.from({ length: 1 + random(3) }, () => pieces[random(pieces.length)]).join('')}"`
}

function mutated(text: string, random: Random): string {
  if (random(2) === 0) return text
  const at = random(text.length)
  const others = [' ', '"', '0', ',', '{', '}', '\\', 'a', '\ud800', '']
  return text.slice(0, at) + others[random(others.length)] + text.slice(at + 1)
}
