import { parseStrictJsonObject, type StoredEvent } from '@artifact-store/core'

/** One event of a stored log as a line of JSON: all that the log holds of it, the payload as the text whose bytes were hashed. */
export function writeEventLine(event: StoredEvent): string {
  const { sequence, subjectRevision, createdAt, eventType, subjectKind, subjectId, actor, payloadJson, payloadDigest } = event
  return JSON.stringify({
    sequence,
    subjectRevision,
    createdAt: createdAt.toISOString(),
    eventType,
    subjectKind,
    subjectId,
    actor,
    payloadDigest: Buffer.from(payloadDigest).toString('hex'),
    payload: payloadJson,
  })
}

export function readEventLine(line: string): StoredEvent {
  const { createdAt, payloadDigest, payload, ...rest } = JSON.parse(line) as EventLine
  return {
    ...rest,
    createdAt: new Date(createdAt),
    payloadJson: payload,
    payloadDigest: Buffer.from(payloadDigest, 'hex'),
    payload: parseStrictJsonObject(payload),
  }
}

interface EventLine extends Omit<StoredEvent, 'createdAt' | 'payload' | 'payloadJson' | 'payloadDigest'> {
  readonly createdAt: string
  readonly payloadDigest: string
  readonly payload: string
}
