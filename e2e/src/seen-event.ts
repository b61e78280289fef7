import { blake3 } from 'hash-wasm'
import { z } from 'zod'

/** An event as a subscriber sees it, whichever way it came. */
export interface SeenEvent {
  readonly sequence: number
  readonly type: string
  readonly subject: string
  readonly subjectRevision: number
  readonly actor: string
  readonly time: string
  /** As the event says, in hex. */
  readonly payloadDigest: string
  readonly payload: unknown
}

const cloudEvent = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  sequence: z.string(),
  subjectrevision: z.int(),
  actor: z.string(),
  payloaddigest: z.string(),
  data: z.unknown(),
})

/** An event that contradicts itself. */
export class UntrueEvent extends Error {}

/** Reads a CloudEvent in the JSON format. @throws UntrueEvent when its id is not its sequence. */
export function seenEvent(value: unknown): SeenEvent {
  const event = cloudEvent.parse(value)
  if (event.id !== event.sequence) throw new UntrueEvent(`event ${event.id} has the sequence ${event.sequence}`)
  return {
    sequence: Number(event.sequence),
    type: event.type,
    subject: event.subject,
    subjectRevision: event.subjectrevision,
    actor: event.actor,
    time: event.time,
    payloadDigest: event.payloaddigest,
    payload: event.data,
  }
}

/** The BLAKE3 of the payload's RFC 8785 form, computed here and not asked for. */
export function payloadDigestOf(event: SeenEvent): Promise<string> {
  return blake3(canonicalForm(event.payload))
}

/**
 * RFC 8785, written down a second time so that the first has someone to contradict it: keys in the order of their UTF-16 units, which is
 * how JavaScript compares strings, and everything else as JSON.stringify has it.
 */
export function canonicalForm(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalForm).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalForm(member)}`).join(',')}}`
}
