import { ArtifactError, blake3, canonicalJson } from '@artifact-store/core'
import { z } from 'zod'

/** All of an event but its payload. */
export const envelopeSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  datacontenttype: z.string().optional(),
  sequence: z.string().regex(/^\d{1,16}$/),
  subjectrevision: z.int(),
  actor: z.string(),
  payloaddigest: z.string(),
})

export type Envelope = z.infer<typeof envelopeSchema>

// The payload as it came: a copy that a schema makes may lack what that schema holds to be odd, and would then not have its digest.
const eventSchema = envelopeSchema.extend({ data: z.custom<Record<string, unknown>>(isObject, 'is not an object') })

/**
 * An event of the log as CloudEvents 1.0 has it. `sequence` (and `id`) is its position, `subjectrevision` its number among the events of
 * its subject, `payloaddigest` the BLAKE3 (hex) of the RFC 8785 form of `data`. Types that this version does not know are as good as others.
 */
export type StoreEvent = z.infer<typeof eventSchema>

/** Which events; the store filters. */
export interface EventFilter {
  /** E.g. `v1.package.finalized`, or `v1.package.*` for all that begin so; several are any of them. */
  readonly type?: string | readonly string[] | undefined
  /** E.g. `package/<id>`, or `package` for all that is about packages. */
  readonly subject?: string | undefined
}

/**
 * An event from its JSON, the payload proven.
 * @throws ArtifactError `internal` when it is none, `digest-mismatch` when the payload is not the one that was hashed.
 */
export function parseEvent(value: unknown): StoreEvent {
  const parsed = eventSchema.safeParse(value)
  if (!parsed.success) {
    throw new ArtifactError('internal', 'there is an event that this client cannot read: is it as new as the store?', {
      cause: parsed.error,
      details: { event: String(JSON.stringify(value)).slice(0, 500) },
    })
  }
  requireDigest(parsed.data, canonicalJson(parsed.data.data))
  return parsed.data
}

/** @param payload its RFC 8785 form. @throws ArtifactError `digest-mismatch` */
export function requireDigest(event: Envelope, payload: Uint8Array | string): void {
  const computed = Buffer.from(blake3(payload)).toString('hex')
  if (computed === event.payloaddigest) return
  throw new ArtifactError(
    'digest-mismatch',
    `the payload of event ${event.sequence} was changed on the way: it does not have its digest`,
    {
      details: { sequence: Number(event.sequence), stated: event.payloaddigest, computed },
    },
  )
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
