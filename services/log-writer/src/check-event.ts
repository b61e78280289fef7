import {
  ArtifactError,
  type NewEvent,
  parseDigest,
  parsePackageId,
  parseTokenId,
  releasedDefinition,
  type SubjectKind,
} from '@artifact-store/core'
import { readCanonicalObject } from './canonical-payload.ts'

/**
 * Refuses what could never be taken out of the log again and no reader could trust: a payload that is not the canonical form (RFC 8785) of an
 * object, and an event of a known type that is not what the catalogue says of that very version: while the system is upgraded a gateway
 * may still write an older one. A type that is not known here is let through: it comes from a newer gateway, which checked it (ADR 0016).
 * That the digest is the payload's the log sees to itself.
 * @throws ArtifactError `invalid-json`, `invalid-request`
 */
export function checkEvent(event: NewEvent): void {
  const payload = readCanonicalObject(event.payloadJson)
  if (!payload) throw refused(event, 'has a payload that is not a JSON object in canonical form (RFC 8785)')
  const definition = releasedDefinition(event.eventType)
  if (!definition) return
  if (definition.subject !== event.subjectKind)
    throw refused(event, `is not about a subject of that kind but about a ${definition.subject}`)
  checkSubjectId(event, definition.subject)
  const { error } = definition.payload.safeParse(payload)
  const issue = error?.issues[0]
  if (issue) throw refused(event, `is not what the catalogue says at "${issue.path.join('.')}": ${issue.message}`, error)
}

/** The views keep these by their ids, so an id that is none would stop them. */
function checkSubjectId(event: NewEvent, kind: SubjectKind): void {
  try {
    if (kind === 'package') parsePackageId(event.subjectId)
    if (kind === 'blob') parseDigest(event.subjectId)
    if (kind === 'token') parseTokenId(event.subjectId)
  } catch (error) {
    throw refused(event, `is about no ${kind} that there could be`, error)
  }
}

function refused({ eventType, subjectKind, subjectId }: NewEvent, why: string, cause?: unknown): ArtifactError {
  return new ArtifactError('invalid-request', `the event ${eventType} about ${subjectKind}/${subjectId} ${why}`, { cause })
}
