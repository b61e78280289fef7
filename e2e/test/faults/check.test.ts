import { describe, expect, it } from 'vitest'
import { check, type RuleName } from '../../src/faults/check/check.ts'
import { comparable } from '../../src/faults/check/comparable.ts'
import type { Evidence } from '../../src/faults/check/evidence.ts'
import { digestOf, type SoundEvidence, soundEvidence } from './sound-evidence.ts'

it('finds nothing in a run in which nothing went wrong', () => {
  expect(check(soundEvidence().evidence)).toEqual([])
})

it('says of a run that cannot be looked at only that', () => {
  const { evidence } = soundEvidence()
  change(evidence.remains, { isWhole: false, unsettled: ['there is no stream'], log: [] })
  expect(check(evidence)).toEqual([{ rule: 'the system came back', message: 'there is no stream' }])
})

const kept: RuleName = 'acknowledged appends are kept, others wholly or not at all'
const packages: RuleName = 'packages are as they were acknowledged'
const subscribers: RuleName = 'subscribers saw all, once, in order'

/** What may go wrong, and the rule that has to find it. */
const wrongs: Readonly<Record<string, { readonly rule: RuleName; readonly spoil: (sound: SoundEvidence) => void }>> = {
  'an acknowledged event is lost': { rule: kept, spoil: ({ log }) => void log.splice(0, 1) },
  'the last acknowledged event is lost': {
    rule: packages,
    spoil: ({ log }) => void log.splice(6),
  },
  'an event is in the log twice': {
    rule: kept,
    spoil: ({ log }) => void log.push(again(log[0], { sequence: 9, revision: 4 })),
  },
  'half of an append is in the log': { rule: kept, spoil: ({ log }) => void log.splice(2, 1) },
  'the events of an append are not beside each other': {
    rule: kept,
    spoil: ({ log, calls }) => {
      swap(log, 2, 3)
      for (const index of [2, 3]) change(log[index], { sequence: index + 1 })
      for (const one of calls('several')) one.answer = { outcome: 'unknown', message: '' }
    },
  },
  'the log has other content than was sent': {
    rule: kept,
    spoil: ({ log }) => change(log[0], { payloadJson: '{}', digest: digestOf('{}'), computedDigest: digestOf('{}') }),
  },
  'an append that was refused is in the log all the same': {
    rule: kept,
    spoil: ({ log }) => void log.push(again(log[7], { sequence: 9, revision: 4, actor: 'append:bad#0' })),
  },
  'the log has an event that nobody sent': {
    rule: kept,
    spoil: ({ log }) => void log.push(again(log[7], { sequence: 9, revision: 4, actor: 'append:nobody#0' })),
  },
  'both uses of one key are in the log': {
    rule: kept,
    spoil: ({ log }) => void log.push(again(log[7], { sequence: 9, revision: 4, actor: 'append:other#0' })),
  },
  'the wrong place was told': {
    rule: kept,
    spoil: ({ calls }) => {
      const [call] = calls('first')
      if (call) call.answer = { ...call.answer, firstSequence: 2, lastSequence: 2 } as typeof call.answer
    },
  },
  'another time was told': {
    rule: kept,
    spoil: ({ calls }) => {
      const [call] = calls('first')
      if (call) call.answer = { ...call.answer, createdAt: new Date(5) } as typeof call.answer
    },
  },
  'a number is left out': { rule: 'the log is sound', spoil: ({ log }) => change(log[7], { sequence: 9 }) },
  'a revision is given twice': { rule: 'the log is sound', spoil: ({ log }) => change(log[7], { revision: 2 }) },
  'time runs backwards': { rule: 'the log is sound', spoil: ({ log }) => change(log[7], { time: '2000-01-01T00:00:00.000Z' }) },
  'a payload is not what its digest says': {
    rule: 'the log is sound',
    spoil: ({ log }) => change(log[7], { computedDigest: 'ff' }),
  },
  'a payload is not in canonical form': {
    rule: 'the log is sound',
    spoil: ({ log }) => change(log[7], { payloadJson: '{"b":1,"a":2}' }),
  },
  'an append was accepted at another revision than it asked for': {
    rule: 'conditions held',
    spoil: ({ calls }) => {
      for (const one of calls('several')) one.conditions = [{ subject: { kind: 'ledger', id: 'one' }, revision: 0 }]
    },
  },
  'an append to a sealed subject was accepted although it asked for an open one': {
    rule: 'conditions held',
    spoil: ({ log, evidence: { history } }) => {
      log.push(again(log[3], { sequence: 9, revision: 3, actor: 'append:late#0', type: 'v1.ledger.noted' }))
      history.appends.push({
        client: 'appender',
        key: 'late',
        conditions: [{ subject: { kind: 'ledger', id: 'two' }, unsealed: true }],
        events: [{ type: 'v1.ledger.noted', kind: 'ledger', id: 'two', actor: 'append:late#0', digest: log[3]?.digest ?? '' }],
        answer: { outcome: 'appended', firstSequence: 9, lastSequence: 9, createdAt: new Date(log[3]?.time ?? 0) },
        asked: 200,
        answered: 201,
      })
    },
  },
  'a subject is sealed twice': {
    rule: 'conditions held',
    spoil: ({ log }) => void log.push(again(log[3], { sequence: 9, revision: 3, actor: 'append:seal-again#0' })),
  },
  'a refusal names a revision that was not': {
    rule: 'refusals had reasons',
    spoil: ({ calls }) => changeAnswer(calls('refused-one')[0], { currentRevision: 1 }),
  },
  'a refusal names no condition that was broken': {
    rule: 'refusals had reasons',
    spoil: ({ calls }) => {
      for (const one of calls('refused-one')) one.conditions = [{ subject: { kind: 'ledger', id: 'one' }, revision: 2 }]
    },
  },
  'a refusal calls something sealed that was not': {
    rule: 'refusals had reasons',
    spoil: ({ calls }) => changeAnswer(calls('refused-one')[0], { reason: 'sealed' }),
  },
  'a key is said to be used where it is not': {
    rule: 'refusals had reasons',
    spoil: ({ calls }) => changeAnswer(calls('first')[2], { firstSequence: 2, lastSequence: 2 }),
  },
  'a repeat is refused': {
    rule: 'a key is answered alike',
    spoil: ({ calls }) => {
      const [, repeat] = calls('first')
      if (repeat) repeat.answer = { outcome: 'key-reused', firstSequence: 1, lastSequence: 1 }
    },
  },
  'a repeat is told another place': {
    rule: 'a key is answered alike',
    spoil: ({ calls }) => changeAnswer(calls('first')[1], { firstSequence: 8, lastSequence: 8 }),
  },
  'a repeat is appended again': {
    rule: 'a key is answered alike',
    spoil: ({ calls }) => changeAnswer(calls('first')[1], { outcome: 'appended' }),
  },
  'another use of a key is taken for a repeat': {
    rule: 'a key is answered alike',
    spoil: ({ calls }) => changeAnswer(calls('first')[2], { outcome: 'repeated', createdAt: new Date(0) }),
  },
  'what was asked for later stands before what was acknowledged': {
    rule: 'what was answered before comes before',
    spoil: ({ calls }) => {
      for (const one of calls('several')) [one.asked, one.answered] = [1, 2]
      for (const one of calls('first')) one.asked += 5
    },
  },
  'a refusal had not seen what was acknowledged': {
    rule: 'what was answered before comes before',
    spoil: ({ calls }) => changeAnswer(calls('refused-one')[0], { head: 2 }),
  },
  'a subscriber misses an event': { rule: subscribers, spoil: ({ evidence }) => void delivered(evidence, 1).splice(2, 1) },
  'a subscriber gets an event twice': {
    rule: subscribers,
    spoil: ({ evidence }) => void delivered(evidence, 1).splice(2, 0, ...delivered(evidence, 1).slice(1, 2)),
  },
  'a subscriber gets events in another order': { rule: subscribers, spoil: ({ evidence }) => swap(delivered(evidence, 1), 1, 2) },
  'a subscriber gets another event than the log has': {
    rule: subscribers,
    spoil: ({ evidence }) => change(delivered(evidence, 0)[1], { imprint: 'something else' }),
  },
  'a subscriber gets an event that the log does not have': {
    rule: subscribers,
    spoil: ({ evidence }) => void delivered(evidence, 1).push({ sequence: 9, imprint: '' }),
  },
  'a subscriber is left behind': { rule: subscribers, spoil: ({ evidence }) => void delivered(evidence, 1).pop() },
  'a subscriber gets again what it had': {
    rule: subscribers,
    spoil: ({ evidence }) => void delivered(evidence, 1).unshift(...delivered(evidence, 0).slice(-1)),
  },
  'a subscriber is told what cannot be': {
    rule: subscribers,
    spoil: ({ evidence }) => change(evidence.history.deliveries[0], { complaint: 'event 4 has the sequence 5' }),
  },
  'the event stream lacks a message': {
    rule: 'the event stream equals the log',
    spoil: ({ evidence }) => void stream(evidence).pop(),
  },
  'the event stream has a message twice': {
    rule: 'the event stream equals the log',
    spoil: ({ evidence }) => void stream(evidence).push(...stream(evidence).slice(-1)),
  },
  'the event stream gives another number': {
    rule: 'the event stream equals the log',
    spoil: ({ evidence }) => change(stream(evidence)[3], { sequence: 40 }),
  },
  'the event stream has another event': {
    rule: 'the event stream equals the log',
    spoil: ({ evidence }) => change(stream(evidence)[3], { imprint: 'something else' }),
  },
  'a page leaves an event out': {
    rule: 'pages are the log',
    spoil: ({ evidence }) => void page(evidence, 1).events.splice(0, 1),
  },
  'a page has an event that its filter leaves out': {
    rule: 'pages are the log',
    spoil: ({ evidence, log }) => void page(evidence, 1).events.unshift(...log.slice(0, 1).map(shownAs)),
  },
  'a page does not know what was acknowledged before': {
    rule: 'pages are the log',
    spoil: ({ evidence }) => {
      change(page(evidence, 1), { position: 3 })
      page(evidence, 1).events.splice(1)
    },
  },
  'the views are behind in the end': {
    rule: 'views equal a replay',
    spoil: ({ evidence }) => change(evidence.remains.views, { position: 7 }),
  },
  'the views are not what a replay makes': {
    rule: 'views equal a replay',
    spoil: ({ evidence }) => change(evidence.remains.views, { digest: 'blake3:others' }),
  },
  'a reader is shown less than the position that it named': {
    rule: 'readers saw at least what they asked for',
    spoil: ({ evidence }) => change(evidence.history.packageReads[0], { shown: { revision: 1, state: 'open', fileCount: 0 } }),
  },
  'a reader is told that there is no such package': {
    rule: 'readers saw at least what they asked for',
    spoil: ({ evidence }) => change(evidence.history.packageReads[0], { shown: undefined }),
  },
  'a reader is shown what never was': {
    rule: 'readers saw at least what they asked for',
    spoil: ({ evidence }) =>
      change(evidence.history.packageReads[0], { shown: { revision: 3, state: 'finalized', fileCount: 2 } }),
  },
  'a package that was created is not in the log': { rule: packages, spoil: ({ evidence }) => answer(evidence, 0, { id: 'q' }) },
  'one key makes two packages': {
    rule: packages,
    spoil: ({ evidence: { history } }) =>
      void history.gatewayCalls.push({
        ...(history.gatewayCalls[0] ?? history.gatewayCalls[1] ?? never()),
        answer: { outcome: 'created', id: 'q' },
      }),
  },
  'a file is not where it was said to be': {
    rule: packages,
    spoil: ({ evidence }) => change(evidence.history.gatewayCalls[1], { exchanges: [{ status: 201, position: 5 }] }),
  },
  'a file that was stored is not in the log': {
    rule: packages,
    spoil: ({ evidence }) =>
      change(evidence.history.gatewayCalls[1], { call: { does: 'put', id: 'p', path: 'b.txt', digest: 'blake3:aa' } }),
  },
  'a package was finalized under another manifest': {
    rule: packages,
    spoil: ({ evidence }) => answer(evidence, 2, { manifestDigest: 'blake3:dd' }),
  },
  'files are added after the seal': {
    rule: packages,
    spoil: ({ log }) =>
      void log.push(
        again(log[5], { sequence: 9, revision: 4, payloadJson: '{"files":[{"digest":"blake3:aa","path":"b.txt"}]}' }),
      ),
  },
  'a path is added twice': { rule: packages, spoil: ({ log }) => void log.splice(6, 0, again(log[5], { revision: 3 })) },
  'a file is refused for a path that is free': {
    rule: packages,
    spoil: ({ evidence }) =>
      change(evidence.history.gatewayCalls[1], { answer: { outcome: 'refused', kind: 'path-taken', message: '' } }),
  },
  'a client is answered what nobody should be': {
    rule: 'answers are honest',
    spoil: ({ calls }) => {
      for (const one of calls('open')) one.answer = { outcome: 'broken', message: 'internal' }
    },
  },
  'a client is answered 500': {
    rule: 'answers are honest',
    spoil: ({ evidence }) => change(evidence.history.gatewayCalls[1], { exchanges: [{ status: 500, position: undefined }] }),
  },
  'a blob is missing': {
    rule: 'blobs are there',
    spoil: ({ evidence }) => void (evidence.remains.blobs as Map<string, string>).set('blake3:aa', 'missing'),
  },
  'a process ended by itself': {
    rule: 'the system came back',
    spoil: ({ evidence }) => change(evidence.remains, { ownEnds: ['gateway'] }),
  },
  'it does not settle': {
    rule: 'the system came back',
    spoil: ({ evidence }) => change(evidence.remains, { unsettled: ['views'] }),
  },
}

describe('the checker of the fault suite finds it when', () => {
  it.each(Object.entries(wrongs))('%s', (_, { rule, spoil }) => {
    const sound = soundEvidence()
    spoil(sound)
    expect(new Set(check(sound.evidence).map(violation => violation.rule))).toContain(rule)
  })
})

function change<T extends object>(target: T | undefined, fields: Partial<T>): void {
  Object.assign(target ?? never(), fields)
}

function changeAnswer(call: { answer: object } | undefined, fields: object): void {
  change(call, { answer: { ...call?.answer, ...fields } })
}

function again<T extends object>(event: T | undefined, fields: Partial<T>): T {
  return { ...(event ?? never()), ...fields }
}

function swap<T extends object>(list: T[], a: number, b: number): void {
  const [first, second] = [list[a], list[b]]
  if (first && second) [list[a], list[b]] = [second, first]
}

const delivered = (evidence: Evidence, connection: number) => evidence.history.deliveries[connection]?.events ?? never()
const stream = (evidence: Evidence) => evidence.remains.stream as { sequence: number; imprint: string }[]
const shownAs = (event: SoundEvidence['log'][number]) => ({ sequence: event.sequence, imprint: comparable(event) })

function page(evidence: Evidence, index: number) {
  const found = evidence.history.pageReads[index] ?? never()
  return found as typeof found & { events: { sequence: number; imprint: string }[] }
}

function answer(evidence: Evidence, index: number, fields: object): void {
  const call = evidence.history.gatewayCalls[index]
  change(call, { answer: { ...call?.answer, ...fields } as NonNullable<typeof call>['answer'] })
}

function never(): never {
  throw new Error('the sound evidence lacks what is to be spoilt')
}
