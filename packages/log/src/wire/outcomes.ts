import { ArtifactError, type ErrorKind, isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import type { AppendOutcome } from '../event-log.ts'

/** What became of each append of a request, in their order, as JSON: `{ "results": [{ "outcome": "appended", … }, …] }`. */

const sequence = z.int().min(1)
const wireResult = z.union([
  z.object({
    outcome: z.enum(['appended', 'repeated']),
    firstSequence: sequence,
    lastSequence: sequence,
    createdAt: z.iso.datetime().transform(text => new Date(text)),
  }),
  z.object({
    outcome: z.literal('conflict'),
    reason: z.enum(['revision', 'sealed']),
    subject: z.object({ kind: z.string(), id: z.string() }),
    currentRevision: z.int().min(0),
    head: z.int().min(0),
  }),
  z.object({ outcome: z.literal('key-reused'), firstSequence: sequence, lastSequence: sequence }),
  z.object({ outcome: z.literal('refused'), kind: z.string(), message: z.string() }),
])

/** The kinds of error that are about one append, and leave its neighbours alone. */
export const refusalKinds = ['invalid-request', 'invalid-json', 'digest-mismatch'] as const satisfies readonly ErrorKind[]

/** @param results an outcome for each append, or an error of one of `refusalKinds`. */
export function writeResults(results: readonly (AppendOutcome | ArtifactError)[]): string {
  return JSON.stringify({ results: results.map(resultOf) })
}

/** @throws ArtifactError `internal` when that is not what `writeResults` writes. */
export function readResults(text: string): readonly (AppendOutcome | ArtifactError)[] {
  const answer = parse(text)
  const results: unknown = typeof answer === 'object' && answer !== null && 'results' in answer ? answer.results : undefined
  if (!Array.isArray(results)) throw unreadable(text)
  return results.map(result => appendedOf(result) ?? judged(result, text))
}

function resultOf(result: AppendOutcome | ArtifactError): unknown {
  return isArtifactError(result) ? { outcome: 'refused', kind: result.kind, message: result.message } : result
}

/** What nearly every result is, read without the schema, which takes ten times as long. */
function appendedOf(result: Partial<Record<string, unknown>> | null): AppendOutcome | undefined {
  if (result === null || result['outcome'] !== 'appended') return undefined
  const { firstSequence, lastSequence, createdAt } = result
  if (!isSequence(firstSequence) || !isSequence(lastSequence) || typeof createdAt !== 'string') return undefined
  const at = new Date(createdAt)
  return Number.isNaN(at.getTime()) ? undefined : { outcome: 'appended', firstSequence, lastSequence, createdAt: at }
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function judged(result: unknown, text: string): AppendOutcome | ArtifactError {
  const { data, error } = wireResult.safeParse(result)
  if (!data) throw unreadable(text, error)
  if (data.outcome !== 'refused') return data
  // A kind that only a newer log-writer knows is still a refusal of this append.
  return new ArtifactError(refusalKinds.find(kind => kind === data.kind) ?? 'invalid-request', data.message)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(text, cause)
  }
}

function unreadable(text: string, cause?: unknown): ArtifactError {
  return new ArtifactError('internal', `the log-writer answered something else than results: ${text.slice(0, 200)}`, { cause })
}
