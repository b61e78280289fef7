import { z } from 'zod'
import type { Append, AppendOutcome } from './event-log.ts'

/**
 * How appends travel to a log-writer and their outcomes back, as JSON over HTTP. The payload travels as its canonical text,
 * so that the bytes which were hashed are the bytes which are stored.
 */
export const maxAppendsPerRequest = 1000
/** The most bytes of one request body. */
export const maxAppendRequestBytes = 16 * 1024 * 1024

const subject = z.strictObject({ kind: z.string().min(1).max(50), id: z.string().min(1).max(300) })

const wireEvent = z.strictObject({
  eventType: z
    .string()
    .max(100)
    .regex(/^v\d+\.[a-z-]+\.[a-z-]+$/, 'reads v1.<noun>.<past participle>'),
  subjectKind: subject.shape.kind,
  subjectId: subject.shape.id,
  actor: z.string().min(1).max(200),
  payloadJson: z.string(),
  payloadDigest: z.string().regex(/^[0-9a-f]{64}$/),
})

const wireAppend = z.strictObject({
  key: z.string().min(1).max(200),
  conditions: z
    .array(
      z.union([z.strictObject({ subject, revision: z.int().min(0) }), z.strictObject({ subject, unsealed: z.literal(true) })]),
    )
    .max(2000),
  events: z.tuple([wireEvent], wireEvent).refine(events => events.length <= 2000, 'at most 2000 events'),
})

export const wireAppends = z.strictObject({
  appends: z.tuple([wireAppend], wireAppend).refine(a => a.length <= maxAppendsPerRequest),
})
type WireAppend = z.infer<typeof wireAppend>

const sequence = z.int().min(1)
const wireResult = z.union([
  z.object({
    outcome: z.enum(['appended', 'repeated']),
    firstSequence: sequence,
    lastSequence: sequence,
    createdAt: z.iso.datetime(),
  }),
  z.object({
    outcome: z.literal('conflict'),
    reason: z.enum(['revision', 'sealed']),
    subject,
    currentRevision: z.int().min(0),
    head: z.int().min(0),
  }),
  z.object({ outcome: z.literal('key-reused'), firstSequence: sequence, lastSequence: sequence }),
  z.object({ outcome: z.literal('refused'), kind: z.string(), message: z.string() }),
])
export const wireResults = z.object({ results: z.array(wireResult) })
export type WireResult = z.infer<typeof wireResult>

export function encodeAppend(append: Append): WireAppend {
  const [first, ...rest] = append.events.map(event => ({
    ...event,
    payloadDigest: Buffer.from(event.payloadDigest).toString('hex'),
  }))
  if (!first) throw new TypeError('an append has at least one event')
  return { key: append.key, conditions: append.conditions.map(c => ({ ...c })), events: [first, ...rest] }
}

export function decodeAppend(wire: WireAppend): Append {
  const [first, ...rest] = wire.events
  return { key: wire.key, conditions: wire.conditions, events: [decodeEvent(first), ...rest.map(decodeEvent)] }
}

export function encodeOutcome(outcome: AppendOutcome): WireResult {
  return 'createdAt' in outcome ? { ...outcome, createdAt: outcome.createdAt.toISOString() } : outcome
}

function decodeEvent(event: z.infer<typeof wireEvent>) {
  return { ...event, payloadDigest: Buffer.from(event.payloadDigest, 'hex') }
}
