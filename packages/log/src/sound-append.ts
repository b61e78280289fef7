import { ArtifactError, blake3, type NewEvent } from '@artifact-store/core'
import type { Append } from './event-log.ts'

/**
 * Refuses, before it can fail a batch, what would be stored otherwise than it was meant: a digest that is not the payload's, and
 * text that UTF-8 cannot say.
 * @throws ArtifactError `digest-mismatch`, `invalid-request`
 */
export function requireSound({
  key = '',
  conditions,
  events,
}: Omit<Append, 'key'> & { readonly key?: string | undefined }): void {
  const texts = [key, ...conditions.flatMap(c => [c.subject.kind, c.subject.id]), ...events.flatMap(textsOf)]
  const broken = texts.find(text => !text.isWellFormed())
  if (broken !== undefined) {
    throw new ArtifactError(
      'invalid-request',
      `the log refused the events: ${JSON.stringify(broken.slice(0, 100))} has half a surrogate pair, which UTF-8 cannot say`,
    )
  }
  for (const event of events) requireDigest(event)
}

function textsOf(event: NewEvent): string[] {
  return [event.eventType, event.subjectKind, event.subjectId, event.actor, event.payloadJson]
}

function requireDigest(event: NewEvent): void {
  if (Buffer.compare(blake3(event.payloadJson), event.payloadDigest) === 0) return
  throw new ArtifactError(
    'digest-mismatch',
    `the payload digest of ${event.eventType} on ${event.subjectKind} "${event.subjectId}" is not the BLAKE3 of its payload`,
  )
}
