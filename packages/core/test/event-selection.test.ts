import { describe, expect, it } from 'vitest'
import { catalogue, type EventSelection, eventSelector, parseEventSelection } from '../src/index.ts'

function event(eventType: string, subject = 'package/1') {
  const [subjectKind = '', ...id] = subject.split('/')
  return { eventType, subjectKind, subjectId: id.join('/') }
}

describe('a selection of events', () => {
  it.each<[string, EventSelection, string, string, boolean]>([
    ['nothing said', {}, 'v1.package.created', 'package/1', true],
    ['its type', { types: ['v1.package.created'] }, 'v1.package.created', 'package/1', true],
    ['one of several types', { types: ['v1.blob.stored', 'v1.package.created'] }, 'v1.package.created', 'package/1', true],
    ['another type', { types: ['v1.package.created'] }, 'v1.package.finalized', 'package/1', false],
    ['a type that only begins the same', { types: ['v1.package.file'] }, 'v1.package.files-added', 'package/1', false],
    ['its family', { types: ['v1.package.*'] }, 'v1.package.files-added', 'package/1', true],
    ['the family of its version', { types: ['v1.*'] }, 'v1.package.files-added', 'package/1', true],
    ['another version', { types: ['v1.*'] }, 'v10.package.created', 'package/1', false],
    ['a family whose noun only begins the same', { types: ['v1.pack.*'] }, 'v1.package.created', 'package/1', false],
    ['no types', { types: [] }, 'v1.package.created', 'package/1', false],
    ['its kind of subject', { subject: { kind: 'package' } }, 'v1.hold.placed', 'package/1', true],
    ['another kind', { subject: { kind: 'blob' } }, 'v1.package.created', 'package/1', false],
    ['its subject', { subject: { kind: 'package', id: 'a/b' } }, 'v1.package.created', 'package/a/b', true],
    ['another of its kind', { subject: { kind: 'package', id: 'a' } }, 'v1.package.created', 'package/a/b', false],
    ['type and subject', { types: ['v1.blob.*'], subject: { kind: 'package' } }, 'v1.package.created', 'package/1', false],
  ])('by %s', (_, selection, type, subject, selected) => {
    expect(eventSelector(selection)(event(type, subject))).toBe(selected)
  })

  it('is read from what people write', () => {
    expect(parseEventSelection({})).toEqual({})
    expect(parseEventSelection({ types: ['v1.package.*'], subject: 'blob' })).toEqual({
      types: ['v1.package.*'],
      subject: { kind: 'blob' },
    })
    expect(parseEventSelection({ subject: 'hold/till the ünd/of 2027' }).subject).toEqual({
      kind: 'hold',
      id: 'till the ünd/of 2027',
    })
  })

  it('can name every type of the catalogue', () => {
    expect(parseEventSelection({ types: Object.keys(catalogue) }).types).toEqual(Object.keys(catalogue))
  })

  it.each([
    { types: ['package.finalized'] },
    { types: ['v1'] },
    { types: ['v1.package*'] },
    { types: ['v1.*.created'] },
    { types: ['*'] },
    { types: [''] },
    { types: [`v1.${'x'.repeat(100)}`] },
    { types: Array.from({ length: 51 }, (_, i) => `v1.thing.happened-${i}`) },
    { subject: '' },
    { subject: 'Package/1' },
    { subject: 'package/' },
    { subject: '/1' },
    { subject: 'package/a\nb' },
  ])('is refused where it can match nothing: %j', asked => {
    expect(() => parseEventSelection(asked)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })
})
