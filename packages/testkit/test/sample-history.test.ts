import { catalogue, type EventType, parseStrictJson } from '@artifact-store/core'
import { sampleHistory } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { missingIn } from './schema-coverage.ts'

const history = sampleHistory()

describe('the sample history', () => {
  it.each(Object.keys(catalogue) as EventType[])(
    'has %s in all its shapes: optional fields there and not, every variant, every limit',
    type => {
      const payloads = history
        .filter(({ eventType }) => eventType === type)
        .map(({ payloadJson }) => parseStrictJson(payloadJson))
      expect(payloads).not.toEqual([])
      expect(missingIn(catalogue[type].payload.toJSONSchema(), payloads)).toEqual([])
    },
  )

  it('has a type that no catalogue knows, and texts that are hard to carry', () => {
    expect(history.some(({ eventType }) => !(eventType in catalogue))).toBe(true)
    for (const field of ['actor', 'subjectId', 'payloadJson'] as const)
      expect(history.some(event => /\p{Emoji_Presentation}/u.test(event[field]) && event[field].includes('"'))).toBe(true)
  })

  it('is the same each time', () => {
    expect(sampleHistory()).toEqual(history)
  })
})

describe('the coverage by which it is judged', () => {
  const schema = {
    type: 'object',
    required: ['name', 'mood', 'parts'],
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 3 },
      note: { type: 'string' },
      size: { type: 'integer', minimum: 0, maximum: 9 },
      mood: { enum: ['good', 'bad'] },
      parts: {
        type: 'array',
        maxItems: 2,
        items: { oneOf: [{ const: 'a' }, { type: 'object', properties: { b: {} }, required: ['b'] }] },
      },
    },
  }
  const all = [
    { name: 'a', size: 0, mood: 'bad', parts: [] },
    { name: 'abc', note: '', size: 9, mood: 'good', parts: ['a', { b: 1 }] },
    { name: 'ab', note: '', mood: 'good', parts: ['a'] },
  ]

  it('finds nothing missing where all is there', () => {
    expect(missingIn(schema, all)).toEqual([])
  })

  it.each([
    ['every value', [], ['"" never occurs']],
    ['a limit of a text', [all[0], { ...all[1], name: 'ab' }], ['/name is never as long as 3']],
    ['a limit of a number', [all[0], { ...all[1], size: 8 }, all[2]], ['/size is never 9']],
    ['a limit of a list', [all[0], { ...all[1], parts: [{ b: 1 }] }, all[2]], ['/parts is never as long as 2']],
    ['an optional field that is left out', all.slice(1, 2), ['/note is never left out', '/size is never left out']],
    ['an optional field', all.slice(0, 1), ['/note is always left out']],
    ['a choice', all.slice(1), ['/mood is never "bad"']],
    ['a variant', [all[0], { ...all[1], parts: ['a', 'a'] }, all[2]], ['/parts/* is never its variant 1']],
  ])('sees when this is missing: %s', (_, values, missing) => {
    expect(missingIn(schema, values)).toEqual(expect.arrayContaining(missing))
  })
})
