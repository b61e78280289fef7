import type { z } from 'zod'
import { blake3 } from './blake3.ts'
import { canonicalJson, type JsonObject } from './canonical-json.ts'
import { ArtifactError } from './errors.ts'
import { type EventType, eventDefinition, type PayloadOf } from './events/catalogue.ts'
import { actor, subjectId } from './events/fields.ts'

/** Who or what an event is about. `id` is opaque to the log. */
export interface Subject {
  readonly kind: string
  readonly id: string
}

/** An event before the log has numbered it. `payloadJson` is the RFC 8785 form whose BLAKE3 is `payloadDigest` (32 bytes). */
export interface NewEvent {
  readonly eventType: string
  readonly subjectKind: string
  readonly subjectId: string
  readonly actor: string
  readonly payloadJson: string
  readonly payloadDigest: Uint8Array
}

/** An event as the log holds it, its payload as text. The database assigns `sequence` (gapless from 1, in commit order), `subjectRevision`
 * (gapless from 1 per subject) and `createdAt` (whole milliseconds, never running backwards). */
export interface RecordedEvent extends NewEvent {
  readonly sequence: number
  readonly subjectRevision: number
  readonly createdAt: Date
}

/** The same with its payload at hand. */
export interface StoredEvent extends RecordedEvent {
  readonly payload: JsonObject
}

export interface EventInput<T extends EventType> {
  readonly type: T
  /** One line of 1 to 300 characters. */
  readonly subjectId: string
  /** Who did it, as the token says; one line of 1 to 200 characters. */
  readonly actor: string
  readonly payload: PayloadOf<T>
}

/**
 * Makes an event: checks the payload against its schema, writes it in RFC 8785 form and computes `payloadDigest`, the raw
 * 32 bytes of BLAKE3 over those bytes.
 * @throws ArtifactError `invalid-request` when the payload is not what the catalogue says, or the subject id or actor is not a line of text.
 */
export function makeEvent<T extends EventType>(input: EventInput<T>): NewEvent {
  const definition = eventDefinition(input.type)
  const payloadJson = canonicalJson(checked(definition.payload, input.payload, () => `the payload of ${input.type}`))
  const event: NewEvent = {
    eventType: input.type,
    subjectKind: definition.subject,
    subjectId: checked(subjectId, input.subjectId, () => `the subject id of ${input.type}`),
    actor: checked(actor, input.actor, () => `the actor of ${input.type}`),
    payloadJson,
    payloadDigest: blake3(payloadJson),
  }
  made.add(event)
  return event
}

/** True for what `makeEvent` answered, as it answered it: its digest is its payload's, and its texts are well-formed. */
export function isMade(event: NewEvent): boolean {
  return made.has(event)
}

// Only ever tells of an object whether it came from here; holds none of them.
const made = new WeakSet<NewEvent>()

/**
 * The canonical form of the envelope: RFC 8785 JSON of all fields, the payload's digest (hex) in the payload's place. It is
 * what a Merkle tree over the log hashes: frozen from the first release on.
 */
export function canonicalEnvelope(event: StoredEvent): string {
  return canonicalJson({
    actor: event.actor,
    createdAt: event.createdAt.toISOString(),
    eventType: event.eventType,
    payloadDigest: Buffer.from(event.payloadDigest).toString('hex'),
    sequence: event.sequence,
    subjectId: event.subjectId,
    subjectKind: event.subjectKind,
    subjectRevision: event.subjectRevision,
  })
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, what: () => string): Value {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 10).map(issue => ({ path: issue.path.join('.'), message: issue.message }))
  const place = issues[0]?.path ? ` at "${issues[0].path}"` : ''
  throw new ArtifactError('invalid-request', `${what()} is wrong${place}: ${issues[0]?.message ?? 'invalid'}`, {
    details: { issues },
  })
}
