import { ArtifactError, isArtifactError } from '@artifact-store/core'
import {
  type Append,
  type AppendOutcome,
  appendFramesType,
  frameAppend,
  joinFrames,
  maxAppendsPerRequest,
  readAppends,
  readResults,
  writeResults,
} from '@artifact-store/log'
import { describe, expect, it } from 'vitest'
import { below, randomAppend } from './random-append.ts'
import { subject, testAppend, testEvent } from './test-event.ts'

describe('appends in frames', () => {
  it('come out as they went in, whatever is in their texts', () => {
    for (let i = 0; i < 300; i++) {
      const appends = Array.from({ length: 1 + below(5) }, randomAppend)
      const framed = appends.map(frameAppend)
      const body = joinFrames(framed)
      expect(readFrames(body)).toEqual(appends.map(plain))
      expect(body.length).toBe(framed.reduce((sum, append) => sum + append.bytes, 5))
    }
  })

  it('carry the place in a trace of those that have one, and of no other', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const appends = [{ ...randomAppend(), traceparent }, randomAppend(), { ...randomAppend(), traceparent: 'x\r\nnonsense' }]
    const came = readFrames(joinFrames(appends.map(frameAppend)))
    expect(came.map(append => !isArtifactError(append) && append.traceparent)).toEqual([traceparent, undefined, undefined])
  })

  it('are refused whole where they were cut off or something follows', () => {
    const body = joinFrames([randomAppend(), randomAppend()].map(frameAppend))
    for (let length = 0; length < body.length; length++)
      expect(() => readFrames(body.subarray(0, length)), `${length} bytes`).toThrow(appendFramesType)
    expect(() => readFrames(Buffer.concat([body, Buffer.alloc(1)]))).toThrow(appendFramesType)
  })

  it.each([
    ['no JSON', '[', /no JSON/],
    ['no list', '{}', /does not list appends/],
    ['no appends', '[]', /carries 0 appends/],
    ['an append that is none', '[1]', /does not list appends/],
    ['events that are none', '[["k",[],[1]]]', /does not list appends/],
    ['a payload of no length', '[["k",[],[["t","k","i","a"]]]]', /does not list appends/],
    ['a payload of a negative length', '[["k",[],[["t","k","i","a",-1]]]]', /does not list appends/],
    ['more payload than there is', '[["k",[],[["t","k","i","a",9007199254740991]]]]', /shorter than its digests/],
    ['bytes that are no UTF-8', Buffer.from([0x5b, 0xff, 0x5d]), /not UTF-8/],
    ['too many', JSON.stringify(Array.from({ length: maxAppendsPerRequest + 1 }, () => ['k', [], []])), /carries 1001/],
  ])('are refused whole where their header has %s', (_, header, message) => {
    const bytes = Buffer.from(header)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    const error = thrown(() => readFrames(Buffer.concat([length, bytes])))
    expect(error).toMatchObject({ kind: 'invalid-request', message: expect.stringMatching(message) })
  })

  it('are each what they would be as JSON: the same append, or the same refusal', () => {
    for (let i = 0; i < 500; i++) {
      const appends = Array.from({ length: 3 }, () => spoiled(randomAppend()))
      const framed = readFrames(joinFrames(appends.map(frameAppend)))
      const asJson = readAppends('application/json', Buffer.from(JSON.stringify({ appends: appends.map(jsonOf) })))
      for (const [at, append] of framed.entries()) expect(verdictOf(append)).toEqual(verdictOf(asJson[at]))
    }
  })

  it('cannot be made of a digest that is none', () => {
    const append = testAppend({ ...testEvent(), payloadDigest: new Uint8Array(31) })
    expect(() => frameAppend(append)).toThrow('not 32 bytes')
  })
})

describe('a body of appends', () => {
  it('is read by its content type, with parameters or in capitals', () => {
    const appends = [testAppend(testEvent(), { key: 'k' })]
    const json = Buffer.from(JSON.stringify({ appends: appends.map(jsonOf) }))
    expect(readAppends('Application/JSON; charset=utf-8', json)).toEqual(appends.map(plain))
    expect(readAppends(` ${appendFramesType.toUpperCase()} ;a=b`, joinFrames(appends.map(frameAppend)))).toEqual(
      appends.map(plain),
    )
    for (const other of [undefined, '', 'text/plain', 'application/jsonl'])
      expect(thrown(() => readAppends(other, json))).toMatchObject({ kind: 'unsupported-media-type' })
  })
})

describe('results', () => {
  it('come out as they went in', () => {
    const createdAt = new Date('2026-01-02T03:04:05.678Z')
    const results: (AppendOutcome | ArtifactError)[] = [
      { outcome: 'appended', firstSequence: 1, lastSequence: 2, createdAt },
      { outcome: 'repeated', firstSequence: 1, lastSequence: 2, createdAt },
      { outcome: 'conflict', reason: 'revision', subject: subject(), currentRevision: 0, head: 0 },
      { outcome: 'conflict', reason: 'sealed', subject: subject(), currentRevision: 3, head: 9 },
      { outcome: 'key-reused', firstSequence: 7, lastSequence: 7 },
      new ArtifactError('digest-mismatch', 'not the BLAKE3 of its payload'),
      new ArtifactError('invalid-json', 'no JSON'),
    ]
    expect(readResults(writeResults(results))).toEqual(results)
  })

  it('may refuse for a reason that only a newer log-writer knows', () => {
    const [refused] = readResults('{"results":[{"outcome":"refused","kind":"too-blue","message":"the event is too blue"}]}')
    expect(refused).toEqual(new ArtifactError('invalid-request', 'the event is too blue'))
  })

  it.each([
    'no JSON',
    'null',
    '{}',
    '{"results":{}}',
    '{"results":[null]}',
    '{"results":[{"outcome":"appended"}]}',
    '{"results":[{"outcome":"appended","firstSequence":0,"lastSequence":1,"createdAt":"2026-01-02T03:04:05.678Z"}]}',
    '{"results":[{"outcome":"appended","firstSequence":1,"lastSequence":1,"createdAt":"soon"}]}',
    '{"results":[{"outcome":"lost"}]}',
  ])('are an error of ours when they are none: %s', text => {
    expect(thrown(() => readResults(text))).toMatchObject({ kind: 'internal' })
  })
})

function readFrames(body: Buffer) {
  return readAppends(appendFramesType, body)
}

/** As a reader has it: the digest is a Buffer. */
function plain(append: Append) {
  return { ...append, events: append.events.map(e => ({ ...e, payloadDigest: Buffer.from(e.payloadDigest) })) }
}

function jsonOf(append: Append) {
  return { ...append, events: append.events.map(e => ({ ...e, payloadDigest: Buffer.from(e.payloadDigest).toString('hex') })) }
}

/** The append with something wrong, or nothing. What JSON cannot say cannot travel that way, so texts stay well-formed here. */
function spoiled(append: Append): Append {
  const { key, conditions, events } = JSON.parse(JSON.stringify(append), (_, value) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  ) as Append
  const [first = testEvent()] = events.map((e, i) => ({
    ...e,
    payloadDigest: append.events[i]?.payloadDigest ?? new Uint8Array(32),
  }))
  const sound: Append = { key, conditions, events: [first] }
  const wrong: readonly ((append: Append) => Append)[] = [
    a => a,
    a => ({ ...a, key: '' }),
    a => ({ ...a, key: 'x'.repeat(201) }),
    a => ({ ...a, key: 7 as never }),
    a => ({ ...a, events: [] as never }),
    a => ({ ...a, events: Array.from({ length: 2001 }, () => first) as never }),
    a => ({ ...a, conditions: Array.from({ length: 2001 }, () => ({ subject: subject(), unsealed: true }) as const) }),
    a => ({ ...a, conditions: [{ subject: subject(), revision: -1 }] }),
    a => ({ ...a, conditions: [{ subject: subject(), revision: 1.5 }] }),
    a => ({ ...a, conditions: [{ subject: subject('', 'k'), revision: 1 }] }),
    a => ({ ...a, conditions: [{ subject: subject('i', 'k'.repeat(51)), unsealed: true }] }),
    ...(['eventType', 'subjectKind', 'subjectId', 'actor'] as const).flatMap(field =>
      ['', 'x'.repeat(301), null as never].map(
        value =>
          (a: Append): Append => ({ ...a, events: [{ ...first, [field]: value }] }),
      ),
    ),
    a => ({ ...a, events: [{ ...first, eventType: 'v1.Package.touched' }] }),
    a => ({ ...a, events: [{ ...first, eventType: `v1.a.${'b'.repeat(100)}` }] }),
  ]
  return wrong[below(wrong.length)]?.(sound) ?? sound
}

function verdictOf(append: Append | ArtifactError | undefined): unknown {
  return isArtifactError(append) ? [append.kind, append.message] : append
}

function thrown(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return expect.fail('nothing was thrown')
}
