import type { Append } from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { createInterferenceGuard } from '../src/interference.ts'
import { subject, testAppend, testEvent } from './test-event.ts'

function admitted(...appends: Append[]): boolean[] {
  return admittedBehind([], ...appends)
}

function admittedBehind(underWay: Append[], ...appends: Append[]): boolean[] {
  const guard = createInterferenceGuard(underWay)
  return appends.map(append => guard.admit(append))
}

const touch = (id: string) => testAppend(testEvent({ id }))
const atRevision = (id: string) => testAppend(testEvent({ id }), { conditions: [{ subject: subject(id), revision: 3 }] })
const unsealed = (id: string) => testAppend(testEvent({ id }), { conditions: [{ subject: subject(id), unsealed: true }] })
const seal = (id: string) => testAppend(testEvent({ id, type: 'v1.package.finalized' }))

describe('the interference guard', () => {
  it('lets any number touch one subject as long as none names its revision or seals it', () => {
    expect(admitted(touch('a'), unsealed('a'), touch('a'))).toEqual([true, true, true])
  })

  it('keeps apart whoever names a revision and whoever else touches that subject', () => {
    expect(admitted(atRevision('a'), touch('a'))).toEqual([true, false])
    expect(admitted(touch('a'), atRevision('a'))).toEqual([true, false])
    expect(admitted(atRevision('a'), atRevision('b'))).toEqual([true, true])
  })

  it('keeps apart whoever seals a subject and whoever else touches it', () => {
    expect(admitted(seal('a'), unsealed('a'))).toEqual([true, false])
    expect(admitted(unsealed('a'), seal('a'))).toEqual([true, false])
    expect(admitted(seal('a'), seal('b'))).toEqual([true, true])
  })

  it('keeps apart two with one key', () => {
    const append = touch('a')
    expect(admitted(append, { ...touch('b'), key: append.key })).toEqual([true, false])
  })

  it('looks at every subject of an append', () => {
    const both = testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b', type: 'v1.package.discarded' })])
    expect(admitted(touch('b'), both)).toEqual([true, false])
    expect(admitted(touch('a'), both)).toEqual([true, true])
  })

  it('lets nobody overtake one that has to wait and that it interferes with', () => {
    expect(admitted(touch('a'), seal('a'), touch('a'), touch('b'))).toEqual([true, false, false, true])
    const waiting = testAppend([testEvent({ id: 'a', type: 'v1.package.finalized' }), testEvent({ id: 'c' })])
    expect(admitted(touch('a'), waiting, touch('c'))).toEqual([true, false, false])
  })

  it('lets nobody touch what one that is under way touches, nor have its key', () => {
    const underWay = [touch('a'), testAppend([testEvent({ id: 'b' }), testEvent({ id: 'c' })])]
    expect(admittedBehind(underWay, touch('a'), touch('c'), touch('d'))).toEqual([false, false, true])
    expect(admittedBehind(underWay, { ...touch('d'), key: underWay[0]?.key ?? '' })).toEqual([false])
    const held = testAppend([testEvent({ id: 'a' }), testEvent({ id: 'd' })])
    expect(admittedBehind(underWay, held, touch('d'), touch('e'))).toEqual([false, false, true])
  })
})
