import { z } from 'zod'

export const eventSchema = z.looseObject({
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
  data: z.record(z.string(), z.unknown()),
})
/**
 * An event of the log as CloudEvents 1.0 has it. `sequence` (and `id`) is its position, `subjectrevision` its number among the events of
 * its subject, `payloaddigest` the BLAKE3 (hex) of the RFC 8785 form of `data`. Types that this version does not know are as good as others.
 */
export type StoreEvent = z.infer<typeof eventSchema>

/** Which events; the gateway filters. */
export interface EventFilter {
  /** E.g. `v1.package.finalized`; several are any of them. */
  readonly type?: string | readonly string[] | undefined
  /** E.g. `package/<id>`. */
  readonly subject?: string | undefined
}
