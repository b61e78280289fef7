import { isUtf8 } from 'node:buffer'
import { ArtifactError, type NewEvent } from '@artifact-store/core'
import type { Append, Condition } from '../event-log.ts'
import { isTraceparent } from '../trace/traced-events.ts'
import { eventTypeForm, readAppendJson, wordLimits } from './append-json.ts'
import { maxAppendsPerRequest, maxConditionsPerAppend, maxEventsPerAppend } from './limits.ts'

/**
 * Appends as our own processes send them: a header, and behind it the payloads as they are, neither escaped nor parsed on the way.
 *
 *     4 bytes      the length of the header, big-endian
 *     header       JSON in UTF-8: [[key, conditions, events], …], with the `traceparent` as a fourth where there is one
 *                    a condition: [kind, id, revision], or [kind, id] for unsealed
 *                    an event:    [type, kind, id, actor, length of its payload in bytes]
 *     digests      32 bytes for each event, in their order
 *     payloads     the canonical JSON of each event, in UTF-8, in their order
 */
export const appendFramesType = 'application/vnd.artifact-store.appends'

/** An append that knows how long it is as it travels. */
export interface FramedAppend {
  readonly header: string
  /** What it adds to a body. */
  readonly bytes: number
  readonly events: readonly NewEvent[]
}

/** @throws ArtifactError `invalid-request` when a payload digest is not 32 bytes. */
export function frameAppend({ key, conditions, events, traceparent }: Append): FramedAppend {
  let bytes = 0
  const header = JSON.stringify([
    key,
    conditions.map(conditionHeader),
    events.map(event => {
      if (event.payloadDigest.length !== digestBytes)
        throw new ArtifactError('invalid-request', `the payload digest of ${event.eventType} is not ${digestBytes} bytes long`)
      const length = Buffer.byteLength(event.payloadJson)
      bytes += digestBytes + length
      return [event.eventType, event.subjectKind, event.subjectId, event.actor, length]
    }),
    ...(traceparent === undefined ? [] : [traceparent]),
  ])
  return { header, bytes: bytes + Buffer.byteLength(header) + 1, events }
}

/** The body that carries them. */
export function joinFrames(appends: readonly FramedAppend[]): Buffer {
  const header = `[${appends.map(append => append.header).join(',')}]`
  // Each append has counted a comma; the first has a bracket in its place, and the other bracket comes on top.
  const size = appends.reduce((sum, append) => sum + append.bytes, lengthBytes + 1)
  const body = Buffer.allocUnsafe(size)
  let at = body.writeUInt32BE(Buffer.byteLength(header))
  at += body.write(header, at)
  for (const { events } of appends)
    for (const { payloadDigest } of events) {
      body.set(payloadDigest, at)
      at += digestBytes
    }
  for (const { events } of appends) for (const { payloadJson } of events) at += body.write(payloadJson, at)
  return body
}

/**
 * Each append of a body, or what is wrong with that one.
 * @throws ArtifactError `invalid-request` when the frames themselves are damaged.
 */
export function readFrames(body: Buffer): readonly (Append | ArtifactError)[] {
  const { header, end } = readHeader(body)
  const events = header.reduce((sum, append) => sum + append[2].length, 0)
  const cursor: Cursor = { body, digestAt: end, payloadAt: end + digestBytes * events }
  if (cursor.payloadAt > body.length) throw damaged('it is shorter than its digests')
  const appends = header.map(append => readAppend(append, cursor))
  if (cursor.payloadAt !== body.length) throw damaged('its payloads are not as long as its header says')
  return appends
}

const lengthBytes = 4
const digestBytes = 32

function conditionHeader(condition: Condition): readonly (string | number)[] {
  const { kind, id } = condition.subject
  return 'revision' in condition ? [kind, id, condition.revision] : [kind, id]
}

type AppendHeader = readonly [
  key: unknown,
  conditions: readonly (readonly unknown[])[],
  events: readonly EventHeader[],
  traceparent?: unknown,
]
type EventHeader = readonly [type: unknown, kind: unknown, id: unknown, actor: unknown, length: number]

interface Cursor {
  readonly body: Buffer
  digestAt: number
  payloadAt: number
}

/** Checks what is needed to find everything; whether the words are right is each append's own affair. */
function readHeader(body: Buffer): { readonly header: readonly AppendHeader[]; readonly end: number } {
  const end = body.length < lengthBytes ? Number.NaN : lengthBytes + body.readUInt32BE(0)
  if (!(end <= body.length)) throw damaged('it is shorter than its header')
  const bytes = body.subarray(lengthBytes, end)
  if (!isUtf8(bytes)) throw damaged('its header is not UTF-8')
  const header = parseJson(bytes.toString())
  if (!(Array.isArray(header) && header.every(isAppendHeader))) throw damaged('its header does not list appends')
  if (header.length === 0 || header.length > maxAppendsPerRequest)
    throw damaged(`it carries ${header.length} appends, and one may carry 1 to ${maxAppendsPerRequest}`)
  return { header, end }
}

function isAppendHeader(value: unknown): value is AppendHeader {
  if (!(Array.isArray(value) && (value.length === 3 || value.length === 4))) return false
  const [, conditions, events]: unknown[] = value
  return Array.isArray(conditions) && conditions.every(Array.isArray) && Array.isArray(events) && events.every(isEventHeader)
}

function isEventHeader(value: unknown): value is EventHeader {
  return Array.isArray(value) && value.length === 5 && Number.isSafeInteger(value[4]) && value[4] >= 0
}

function readAppend([key, conditionHeaders, eventHeaders, traceparent]: AppendHeader, cursor: Cursor): Append | ArtifactError {
  const conditions = conditionHeaders.map(conditionOf)
  // All of them, whatever they say: the next append begins behind the last.
  const events = eventHeaders.map(header => takeEvent(header, cursor))
  if (isWord(key, wordLimits.key) && conditions.every(isCondition) && events.every(isEvent)) {
    const [first, ...others] = events
    if (first && events.length <= maxEventsPerAppend && conditions.length <= maxConditionsPerAppend)
      return { key, conditions, events: [first, ...others], ...(isTraceparent(traceparent) ? { traceparent } : {}) }
  }
  // The schema judges again, and finds the words.
  return readAppendJson({ key, conditions, events: events.map(e => ({ ...e, payloadDigest: e.payloadDigest.toString('hex') })) })
}

/** The shape of an event or a condition, of which nothing is known yet. */
type EventCandidate = Readonly<Record<'eventType' | 'subjectKind' | 'subjectId' | 'actor', unknown>> & {
  readonly payloadJson: string
  readonly payloadDigest: Buffer
}
type ConditionCandidate = { readonly subject: Readonly<Record<'kind' | 'id', unknown>> } & (
  | { readonly revision: unknown }
  | { readonly unsealed: true }
)

function takeEvent([eventType, subjectKind, subjectId, actor, length]: EventHeader, cursor: Cursor): EventCandidate {
  const { body, digestAt, payloadAt } = cursor
  cursor.digestAt += digestBytes
  cursor.payloadAt += length
  return {
    eventType,
    subjectKind,
    subjectId,
    actor,
    // Bytes that are no UTF-8 come out as others, and then the digest is not theirs.
    payloadJson: body.toString('utf8', payloadAt, cursor.payloadAt),
    payloadDigest: body.subarray(digestAt, cursor.digestAt),
  }
}

function conditionOf(header: readonly unknown[]): ConditionCandidate {
  const [kind, id, revision] = header
  return header.length === 2 ? { subject: { kind, id }, unsealed: true } : { subject: { kind, id }, revision }
}

function isEvent(event: EventCandidate): event is EventCandidate & NewEvent {
  return (
    isWord(event.eventType, wordLimits.eventType) &&
    eventTypeForm.test(event.eventType) &&
    isWord(event.subjectKind, wordLimits.kind) &&
    isWord(event.subjectId, wordLimits.id) &&
    isWord(event.actor, wordLimits.actor)
  )
}

function isCondition(condition: ConditionCandidate): condition is ConditionCandidate & Condition {
  const { kind, id } = condition.subject
  if (!isWord(kind, wordLimits.kind) || !isWord(id, wordLimits.id)) return false
  return 'unsealed' in condition || (Number.isSafeInteger(condition.revision) && Number(condition.revision) >= 0)
}

function isWord(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damaged('its header is no JSON', cause)
  }
}

function damaged(why: string, cause?: unknown): ArtifactError {
  return new ArtifactError('invalid-request', `the body is not ${appendFramesType}: ${why}`, { cause })
}
