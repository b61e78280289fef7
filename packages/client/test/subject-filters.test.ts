import { eventSelector, parseEventSelection } from '@artifact-store/core'
import { natsSubject } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { subjectFilters } from '../src/nats/subject-filters.ts'

/** How NATS matches a subject against a filter without `>`. */
function matches(filter: string, subject: string): boolean {
  const [wanted, tokens] = [filter.split('.'), subject.split('.')]
  return wanted.length === tokens.length && wanted.every((token, i) => token === '*' || token === tokens[i])
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('.'), other.split('.')]
  return a.every((token, i) => token === '*' || b[i] === '*' || token === b[i])
}

const history = randomHistory({ seed: 9, length: 1500 })
const { subjectKind, subjectId } = history.find(event => event.subjectId.includes(' ')) ?? { subjectKind: 'hold', subjectId: 'x' }

describe('the subjects on the broker for what is asked for', () => {
  it.each([
    [{}, []],
    [{ subject: 'package' }, []],
    [{ types: ['v1.*'] }, []],
    [{ types: ['v1.package.finalized'] }, ['artifact-store.events.package.finalized.*']],
    [{ types: ['v1.package.files-added', 'v2.package.files-added'] }, ['artifact-store.events.package.files-added.*']],
    [
      { types: ['v1.package.*', 'v1.package.created', 'v1.blob.stored'] },
      ['artifact-store.events.package.*.*', 'artifact-store.events.blob.stored.*'],
    ],
    [{ types: ['v1.package.part.*'] }, ['artifact-store.events.package.*.*']],
    [{ subject: 'blob/blake3:00' }, ['artifact-store.events.*.*.blake3=3A00']],
    [{ types: ['v1.*', 'v1.package.*'], subject: 'alias/latest' }, ['artifact-store.events.*.*.latest']],
  ])('%j', (asked, filters) => {
    expect(subjectFilters(parseEventSelection(asked))).toEqual(filters)
  })

  it.each([
    { types: ['v1.package.*'] },
    { types: ['v2.package.*', 'v1.hold.placed'] },
    { types: ['v1.*', 'v1.package.created'] },
    { subject: `${subjectKind}/${subjectId}` },
    { types: ['v1.hold.*', 'v1.hold.placed', 'v2.hold.placed'], subject: `${subjectKind}/${subjectId}` },
  ])('have all that is asked for, and none of them twice: %j', asked => {
    const selection = parseEventSelection(asked)
    const filters = subjectFilters(selection)
    const selected = history.filter(eventSelector(selection))
    expect(selected.length).toBeGreaterThan(0)
    for (const event of filters.length === 0 ? [] : selected)
      expect(filters.filter(filter => matches(filter, natsSubject(event)))).toHaveLength(1)
    for (const filter of filters) expect(filters.filter(other => overlap(filter, other))).toEqual([filter])
  })
})
