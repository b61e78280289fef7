import type { Condition } from '@artifact-store/log'
import { createBLAKE3 } from 'hash-wasm'
import { comparable } from '../../src/faults/check/comparable.ts'
import type { Evidence, LogEvent } from '../../src/faults/check/evidence.ts'
import type { AppendAnswer, AppendCall, GatewayCall } from '../../src/faults/history.ts'
import { canonicalForm } from '../../src/seen-event.ts'

type Draft = Pick<LogEvent, 'type' | 'kind' | 'id' | 'actor'> & { readonly payload: object }
/** Without `readonly`, so that a test can spoil it. */
type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The evidence of a small run in which nothing went wrong: each test spoils a part of it. */
export interface SoundEvidence {
  readonly log: Writable<LogEvent>[]
  readonly evidence: Evidence
  /** The calls of `key`, in the order of their asking. */
  calls(key: string): Writable<AppendCall>[]
}

const hasher = await createBLAKE3()
export const digestOf = (payloadJson: string) => hasher.init().update(payloadJson).digest('hex')

const note = (id: string, key: string, index = 0): Draft => ({
  type: 'v1.ledger.noted',
  kind: 'ledger',
  id,
  actor: `append:${key}#${index}`,
  payload: { key, index },
})
const ofPackage = (type: string, payload: object): Draft => ({ type, kind: 'package', id: 'p', actor: 'admin', payload })
const file = { path: 'a.txt', digest: 'blake3:aa', size: 1 }

const drafts: readonly Draft[] = [
  note('one', 'first'),
  note('one', 'several', 0),
  note('two', 'several', 1),
  { ...note('two', 'seal'), type: 'v1.ledger.finalized' },
  ofPackage('v1.package.created', { name: 'n' }),
  ofPackage('v1.package.files-added', { files: [file] }),
  ofPackage('v1.package.finalized', { manifestDigest: 'blake3:bb', configDigest: 'blake3:cc', fileCount: 1 }),
  note('one', 'open'),
]

export function soundEvidence(): SoundEvidence {
  const log = drafts.map(stored)
  const appends: Writable<AppendCall>[] = [
    appended('first', log.slice(0, 1), 10, [{ subject: { kind: 'ledger', id: 'one' }, revision: 0 }]),
    appended('several', log.slice(1, 3), 20, [{ subject: { kind: 'ledger', id: 'one' }, revision: 1 }]),
    call('refused-one', 30, [note('one', 'refused-one')], {
      outcome: 'conflict',
      reason: 'revision',
      subject: { kind: 'ledger', id: 'one' },
      currentRevision: 2,
      head: 3,
    }),
    appended('seal', log.slice(3, 4), 40, []),
    call('first', 50, [note('one', 'first')], { ...told(log.slice(0, 1)), outcome: 'repeated' }),
    call('first', 60, [note('one', 'other')], { outcome: 'key-reused', firstSequence: 1, lastSequence: 1 }),
    call('bad', 70, [note('one', 'bad')], { outcome: 'refused', message: 'the digest is wrong' }),
    call('open', 80, [note('one', 'open')], { outcome: 'unknown', message: 'no answer' }),
    call('lost', 90, [note('one', 'lost')], { outcome: 'unknown', message: 'no answer' }),
  ]
  const exchange = (status: number, position?: number) => [{ status, position }]
  const gatewayCalls: GatewayCall[] = [
    gateway({ does: 'create', key: 'k' }, exchange(201, 5), { outcome: 'created', id: 'p' }),
    gateway({ does: 'put', id: 'p', path: file.path, digest: file.digest }, exchange(201, 6), { outcome: 'stored' }),
    gateway({ does: 'finalize', id: 'p' }, exchange(200, 7), { outcome: 'finalized', manifestDigest: 'blake3:bb', fileCount: 1 }),
  ]
  const shown = log.map(event => ({ sequence: event.sequence, imprint: comparable(event) }))
  const evidence: Evidence = {
    history: {
      appends,
      gatewayCalls,
      packageReads: [
        {
          client: 'reader',
          id: 'p',
          minPosition: 6,
          shown: { revision: 3, state: 'finalized', fileCount: 1 },
          asked: 110,
          answered: 111,
        },
      ],
      pageReads: [
        {
          client: 'pager',
          after: 1,
          limit: 2,
          filter: {},
          position: 3,
          atEnd: false,
          events: shown.slice(1, 3),
          asked: 110,
          answered: 111,
        },
        {
          client: 'pager',
          after: 0,
          limit: 10,
          filter: { subject: 'ledger/two' },
          position: 8,
          atEnd: true,
          events: [shown[2], shown[3]].flatMap(one => (one ? [one] : [])),
          asked: 112,
          answered: 113,
        },
      ],
      deliveries: [
        { subscriber: 'sse', after: 0, events: shown.slice(0, 3) },
        { subscriber: 'sse', after: 3, events: shown.slice(3) },
      ],
    },
    remains: {
      isWhole: true,
      log,
      stream: [...shown],
      views: { position: 8, digest: 'blake3:views' },
      replayed: { position: 8, digest: 'blake3:views' },
      blobs: new Map([['blake3:aa', 'right']]),
      ownEnds: [],
      unsettled: [],
    },
  }
  return { log, evidence, calls: key => appends.filter(one => one.key === key) }
}

function stored(draft: Draft, index: number): LogEvent {
  const { type, kind, id, actor, payload } = draft
  const payloadJson = canonicalForm(payload)
  const revision = drafts.slice(0, index + 1).filter(other => other.kind === kind && other.id === id).length
  const digest = digestOf(payloadJson)
  const time = new Date(1_700_000_000_000 + index).toISOString()
  return { sequence: index + 1, revision, type, kind, id, actor, time, payloadJson, digest, computedDigest: digest }
}

function told(events: readonly LogEvent[]): Extract<AppendAnswer, { createdAt: Date }> {
  const [firstSequence = 0, lastSequence = firstSequence] = [events[0]?.sequence, events.at(-1)?.sequence]
  return { outcome: 'appended', firstSequence, lastSequence, createdAt: new Date(events[0]?.time ?? 0) }
}

function appended(key: string, events: readonly LogEvent[], at: number, conditions: readonly Condition[]): Writable<AppendCall> {
  // What is appended together has one time.
  const answer = told(events)
  for (const event of events as Writable<LogEvent>[]) event.time = answer.createdAt.toISOString()
  const sent = events.map(({ type, kind, id, actor, digest }) => ({ type, kind, id, actor, digest }))
  return { client: 'appender', key, conditions, events: sent, answer, asked: at, answered: at + 5 }
}

function call(key: string, at: number, events: readonly Draft[], answer: AppendAnswer): Writable<AppendCall> {
  const sent = events.map(({ type, kind, id, actor, payload }) => ({
    type,
    kind,
    id,
    actor,
    digest: digestOf(canonicalForm(payload)),
  }))
  const conditions = answer.outcome === 'conflict' ? [{ subject: answer.subject, revision: 9 }] : []
  return { client: 'appender', key, conditions, events: sent, answer, asked: at, answered: at + 5 }
}

function gateway(request: GatewayCall['call'], exchanges: GatewayCall['exchanges'], answer: GatewayCall['answer']): GatewayCall {
  return { client: 'uploader', call: request, exchanges, answer, asked: 100, answered: 105 }
}
