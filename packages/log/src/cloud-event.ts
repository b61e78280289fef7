import { blake3, type JsonObject, type RecordedEvent, type StoredEvent } from '@artifact-store/core'

/**
 * An event as others see it: CloudEvents 1.0, JSON format. The last four context attributes are extensions; `sequence` is the
 * position in the log (and the `id`), `subjectrevision` the position among the subject's own events, `payloaddigest` the BLAKE3
 * (hex) of the RFC 8785 form of `data`.
 */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  /** `<kind>/<id>`, e.g. `package/0199…` or `blob/blake3:…`. */
  readonly subject: string
  /** RFC 3339 in UTC with milliseconds. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly sequence: string
  readonly subjectrevision: number
  readonly actor: string
  readonly payloaddigest: string
  readonly data: JsonObject
}

/** @param source a URI reference that names the registry; `source` and `id` together are unique (CloudEvents 1.0). */
export function toCloudEvent(event: StoredEvent, source: string): CloudEvent {
  return {
    specversion: '1.0',
    id: String(event.sequence),
    source,
    type: event.eventType,
    subject: `${event.subjectKind}/${event.subjectId}`,
    time: event.createdAt.toISOString(),
    datacontenttype: 'application/json',
    sequence: String(event.sequence),
    subjectrevision: event.subjectRevision,
    actor: event.actor,
    payloaddigest: hex(event.payloadDigest),
    data: event.payload,
  }
}

/**
 * The same in binary mode: every attribute but `data` as a header. Values are percent-encoded as the HTTP and NATS bindings of
 * CloudEvents 1.0 ask: UTF-8, all but printable ASCII, and also space, `"` and `%`.
 */
export function ceHeaders(event: RecordedEvent, source: string): Record<string, string> {
  return headersOf(ceHeaderLines(event, source))
}

/** These headers as they are written, `name: value` and CR LF each, in ASCII. `time` is the event's, for who has it at hand. */
export function ceHeaderLines(event: RecordedEvent, source: string, time = event.createdAt.toISOString()): string {
  const fixed = `ce-specversion: 1.0\r\nce-source: ${percentEncode(source)}\r\nce-datacontenttype: application/json\r\n`
  return fixed + identityLines(event, time)
}

/** True when these headers are those of this event, whatever `source` it was published under. */
export function headersDescribe(headers: Readonly<Record<string, string | undefined>>, event: RecordedEvent): boolean {
  const identity = headersOf(identityLines(event, event.createdAt.toISOString()))
  return Object.entries(identity).every(([name, value]) => headers[name] === value)
}

/** True when the log says the same about both: the same number, and everything else. */
export function isSameEvent(one: RecordedEvent, other: RecordedEvent): boolean {
  return identityLines(one, one.createdAt.toISOString()) === identityLines(other, other.createdAt.toISOString())
}

/** Where the payload is read when a message could not carry it: relative to the gateway (the `dataref` extension). */
export function dataRef(event: RecordedEvent): string {
  return `/v1/events?after=${event.sequence - 1}&limit=1`
}

/** Where the events are, in NATS: `artifact-store.events.>` is all of them. */
export const defaultSubjectPrefix = 'artifact-store.events'

/**
 * `<prefix>.<noun>.<verb>.<subject id token>`: `v1.package.finalized` of package 0199… is at
 * `artifact-store.events.package.finalized.0199…`.
 */
export function natsSubject(event: Pick<RecordedEvent, 'eventType' | 'subjectId'>, prefix = defaultSubjectPrefix): string {
  return natsSubjectStem(event.eventType, prefix) + subjectToken(event.subjectId)
}

/** All but the last token of the subject of an event of that type, with the dot behind it. */
export function natsSubjectStem(eventType: string, prefix: string): string {
  const [noun = '', ...verb] = eventType.replace(/^v\d+\./, '').split('.')
  return `${prefix}.${subjectToken(noun)}.${subjectToken(verb.join('.'))}.`
}

/**
 * A text as one legal NATS token. Letters, digits, `_` and `-` stay; every other byte of its UTF-8 becomes `=` and two hex digits
 * (`blake3:00…` is `blake3=3A00…`), which can be read back. A token of more than 255 characters becomes `==` and the BLAKE3 of the
 * text, which cannot; no text is `=`.
 */
export function subjectToken(text: string): string {
  if (plainToken.test(text)) return text
  const token = text.replace(/[^A-Za-z0-9_-]+/g, part => escapeBytes(part, '='))
  if (token.length > 255) return `==${hex(blake3(text))}`
  return token || '='
}

const plainToken = /^[A-Za-z0-9_-]{1,255}$/
const plainHeader = /^[\x21\x23\x24\x26-\x7e]*$/

/** The headers that tell an event from every other one: all that the log says about it. One template: a relay writes it for each event. */
function identityLines(event: RecordedEvent, time: string): string {
  const { sequence, eventType, subjectKind, subjectId, subjectRevision, actor, payloadDigest } = event
  return (
    `ce-id: ${sequence}\r\nce-type: ${percentEncode(eventType)}\r\nce-subject: ${percentEncode(`${subjectKind}/${subjectId}`)}\r\n` +
    `ce-time: ${time}\r\nce-sequence: ${sequence}\r\nce-subjectrevision: ${subjectRevision}\r\nce-actor: ${percentEncode(actor)}\r\n` +
    `ce-payloaddigest: ${hex(payloadDigest)}\r\n`
  )
}

function headersOf(lines: string): Record<string, string> {
  const pairs = lines.trimEnd().split('\r\n')
  return Object.fromEntries(pairs.map(line => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]))
}

function percentEncode(text: string): string {
  return plainHeader.test(text) ? text : text.replace(/[^\x21\x23\x24\x26-\x7e]+/g, part => escapeBytes(part, '%'))
}

function escapeBytes(text: string, mark: string): string {
  return hex(Buffer.from(text))
    .toUpperCase()
    .replace(/../g, digits => mark + digits)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
