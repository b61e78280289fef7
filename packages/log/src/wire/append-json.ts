import { ArtifactError, parseStrictJson } from '@artifact-store/core'
import { z } from 'zod'
import type { Append } from '../event-log.ts'
import { maxAppendsPerRequest, maxConditionsPerAppend, maxEventsPerAppend } from './limits.ts'

/**
 * Appends as JSON, for whoever is not ours: `{ "appends": [{ key, conditions, events }, …] }`. The payload travels as its canonical text,
 * so that the bytes which were hashed are the bytes which are stored.
 */
export const jsonAppendsType = 'application/json'

/** The words of an append: what its strings and numbers may be, in whichever form it travels. */
export const wordLimits = { key: 200, kind: 50, id: 300, eventType: 100, actor: 200 } as const
export const eventTypeForm = /^v\d+\.[a-z-]+\.[a-z-]+$/

const word = (max: number) => z.string().min(1).max(max)
const subject = z.strictObject({ kind: word(wordLimits.kind), id: word(wordLimits.id) })

const wireEvent = z.strictObject({
  eventType: z.string().max(wordLimits.eventType).regex(eventTypeForm, 'reads v1.<noun>.<past participle>'),
  subjectKind: subject.shape.kind,
  subjectId: subject.shape.id,
  actor: word(wordLimits.actor),
  payloadJson: z.string(),
  payloadDigest: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 hexadecimal digits'),
})

const wireAppend = z.strictObject({
  key: word(wordLimits.key),
  conditions: z
    .array(
      z.union([z.strictObject({ subject, revision: z.int().min(0) }), z.strictObject({ subject, unsealed: z.literal(true) })]),
    )
    .max(maxConditionsPerAppend),
  events: z
    .tuple([wireEvent], wireEvent)
    .refine(events => events.length <= maxEventsPerAppend, `at most ${maxEventsPerAppend} events`),
})

const wireAppends = z.strictObject({ appends: z.array(z.unknown()).min(1).max(maxAppendsPerRequest) })

/**
 * Each append of a body, or what is wrong with that one.
 * @throws ArtifactError `invalid-json` or `invalid-request` when the body as a whole is not what it should be.
 */
export function readAppendsJson(body: Uint8Array): readonly (Append | ArtifactError)[] {
  const parsed = wireAppends.safeParse(parseStrictJson(body))
  if (!parsed.success) throw invalid('the body', parsed.error)
  return parsed.data.appends.map(readAppendJson)
}

/** One append out of its JSON form, or an error that names the field that is wrong. */
export function readAppendJson(value: unknown): Append | ArtifactError {
  const parsed = wireAppend.safeParse(value)
  if (!parsed.success) return invalid('the append', parsed.error)
  const { key, conditions, events } = parsed.data
  const [first, ...others] = events
  return { key, conditions, events: [readEvent(first), ...others.map(readEvent)] }
}

function readEvent(event: z.infer<typeof wireEvent>) {
  return { ...event, payloadDigest: Buffer.from(event.payloadDigest, 'hex') }
}

function invalid(what: string, error: z.ZodError): ArtifactError {
  const issue = error.issues[0]
  return new ArtifactError('invalid-request', `${what} is not valid at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`)
}
