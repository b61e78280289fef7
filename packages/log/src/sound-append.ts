import { ArtifactError, blake3, isMade, type NewEvent } from '@artifact-store/core'
import type { Append } from './event-log.ts'

/**
 * Refuses, before it can fail a batch, what would be stored otherwise than it was meant: a digest that is not the payload's, text that UTF-8
 * cannot say, and a key of no length that a key may have.
 * @throws ArtifactError `digest-mismatch`, `invalid-request`
 */
export function requireSound({ key, conditions, events }: Omit<Append, 'key'> & { readonly key?: string | undefined }): void {
  if (key !== undefined) requireKey(key)
  for (const { subject } of conditions) {
    requireText(subject.kind)
    requireText(subject.id)
  }
  for (const event of events) {
    // What makeEvent made it has checked already.
    if (isMade(event)) continue
    for (const text of [event.eventType, event.subjectKind, event.subjectId, event.actor, event.payloadJson]) requireText(text)
    requireDigest(event)
  }
}

const maxKeyLength = 200

function requireKey(key: string): void {
  requireText(key)
  if (key.length > 0 && key.length <= maxKeyLength) return
  throw new ArtifactError('invalid-request', `an idempotency key has 1 to ${maxKeyLength} characters; this one has ${key.length}`)
}

function requireText(text: string): void {
  if (text.isWellFormed()) return
  throw new ArtifactError(
    'invalid-request',
    `the log refused the events: ${JSON.stringify(text.slice(0, 100))} has half a surrogate pair, which UTF-8 cannot say`,
  )
}

function requireDigest(event: NewEvent): void {
  if (Buffer.compare(blake3(event.payloadJson), event.payloadDigest) === 0) return
  throw new ArtifactError(
    'digest-mismatch',
    `the payload digest of ${event.eventType} on ${event.subjectKind} "${event.subjectId}" is not the BLAKE3 of its payload`,
  )
}
