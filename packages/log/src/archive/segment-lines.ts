import { ArtifactError, type JsonObject, type StoredEvent } from '@artifact-store/core'

/** An event with all that the log holds of it; its payload as the text that was hashed. */
export interface ArchivedEvent extends Omit<StoredEvent, 'payload'> {
  /** At the first event of an append that had a key: 128 bits of SHA-256 over the key, as a UUID, and how many events the append had. */
  readonly append?: { readonly key: string; readonly events: number } | undefined
}

/** The first line of a segment. docs/ARCHIVE.md tells the format, for those who come without this code. */
export interface SegmentHeader {
  readonly format: 'artifact-store-log-segment'
  readonly version: 1
  readonly firstSequence: number
  readonly lastSequence: number
}

export function headerLine(firstSequence: number, lastSequence: number): string {
  const header: SegmentHeader = { format, version, firstSequence, lastSequence }
  return `${JSON.stringify(header)}\n`
}

/** @throws ArtifactError `archive-damaged` for what is no header, or that of a version which this code does not know. */
export function parseHeader(line: string): SegmentHeader {
  const { format: said, version: itsVersion, firstSequence, lastSequence } = jsonOf(line)
  if (said !== format) throw malformed('its first line does not say that it is a segment')
  if (itsVersion !== version)
    throw malformed(`it has version ${String(itsVersion)}, and this program knows version ${version}: run a newer one`)
  if (!isSequence(firstSequence) || !isSequence(lastSequence)) throw malformed('its first line names no range of events')
  return { format, version, firstSequence, lastSequence }
}

/**
 * An event as a line of JSON, its members in this order, the payload last: as the bytes that were hashed, or, where these hold a line feed (which
 * no canonical JSON does), as text. `log.segment_line` in the database says the same.
 */
export function eventLine(event: ArchivedEvent): string {
  const { append, payloadJson } = event
  return (
    `{"sequence":${event.sequence},"eventType":${JSON.stringify(event.eventType)},"subjectKind":${JSON.stringify(event.subjectKind)}` +
    `,"subjectId":${JSON.stringify(event.subjectId)},"subjectRevision":${event.subjectRevision},"actor":${JSON.stringify(event.actor)}` +
    `,"createdAt":"${event.createdAt.toISOString()}","payloadDigest":"blake3:${Buffer.from(event.payloadDigest).toString('hex')}"` +
    (append ? `,"appendKey":"${append.key}","appendEvents":${append.events}` : '') +
    (payloadJson.includes('\n') ? `,"payloadText":${JSON.stringify(payloadJson)}}\n` : `${payloadMember}${payloadJson}}\n`)
  )
}

/** @param line without its line feed. @throws ArtifactError `archive-damaged` for what is no event. */
export function parseEventLine(line: string): ArchivedEvent & StoredEvent {
  // A quote within a text is escaped, so only a member's name can read like this, and those of the payload come later.
  const at = line.indexOf(payloadMember)
  const { payloadText, ...event } = jsonOf(at < 0 ? line : `${line.slice(0, at)}}`)
  const payloadJson = at < 0 ? payloadText : line.slice(at + payloadMember.length, -1)
  const {
    sequence,
    subjectRevision,
    eventType,
    subjectKind,
    subjectId,
    actor,
    createdAt,
    payloadDigest,
    appendKey,
    appendEvents,
  } = event
  if (
    !isSequence(sequence) ||
    !isSequence(subjectRevision) ||
    typeof eventType !== 'string' ||
    typeof subjectKind !== 'string' ||
    typeof subjectId !== 'string' ||
    typeof actor !== 'string' ||
    typeof createdAt !== 'string' ||
    typeof payloadDigest !== 'string' ||
    typeof payloadJson !== 'string'
  )
    throw malformed('a line in it is no event')
  const append =
    typeof appendKey === 'string' && typeof appendEvents === 'number' ? { key: appendKey, events: appendEvents } : undefined
  return {
    ...{ sequence, subjectRevision, eventType, subjectKind, subjectId, actor, payloadJson },
    createdAt: new Date(createdAt),
    payload: jsonOf(payloadJson),
    payloadDigest: Buffer.from(payloadDigest.replace(/^blake3:/, ''), 'hex'),
    ...(append ? { append } : {}),
  }
}

/** What of a line tells the event's type, and its subject's id. The payload may hold the same, so it is a hint. */
export const lineHints = {
  type: (type: string): Buffer => Buffer.from(`"eventType":${JSON.stringify(type)}`),
  subjectId: (id: string): Buffer => Buffer.from(`"subjectId":${JSON.stringify(id)}`),
}

/** What is wrong with a segment, before it is known which one it is. */
export function malformed(what: string, cause?: unknown): ArtifactError {
  return new ArtifactError('archive-damaged', what, { cause })
}

const format = 'artifact-store-log-segment'
const version = 1
const payloadMember = ',"payload":'

function jsonOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch (cause) {
    throw malformed('a line in it is not JSON', cause)
  }
  throw malformed('a line in it is no JSON object')
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
