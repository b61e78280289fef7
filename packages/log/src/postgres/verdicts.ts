import type { Subject } from '@artifact-store/core'
import type { AppendOutcome } from '../event-log.ts'
import { type Batch, seals, type Write } from './batch.ts'

/** What stood in the way of a batch, in the numbers of its layout. */
export interface Verdicts {
  /** Appends whose key is known, by the place of their first event, and the sequences that the first append with that key got. */
  readonly known: readonly { readonly event: number; readonly first: number; readonly last: number }[]
  /** Subjects that are not as a condition says, and how they are. */
  readonly refused: readonly { readonly subject: number; readonly revision: number; readonly sealed: boolean }[]
}

/** An append whose key the log knows, and which events that key has brought. */
export interface KnownAppend {
  readonly append: Write
  readonly first: number
  readonly last: number
}

interface Conflict {
  readonly reason: 'revision' | 'sealed'
  readonly subject: Subject
  readonly now: Standing
}

interface Standing {
  readonly revision: number
  readonly sealed: boolean
}

/** Tells whose key is known, and whose conditions do not hold. A known key comes first: what it brought may be why they do not. */
export function judge(batch: Batch, appends: readonly Write[], verdicts: Verdicts, head: number) {
  const known: KnownAppend[] = verdicts.known.flatMap(({ event, first, last }) => {
    const append = appends[batch.appendAt.get(event) ?? -1]
    return append ? [{ append, first, last }] : []
  })
  const repeats = new Set(known.map(({ append }) => append))
  const standing = new Map(
    verdicts.refused.flatMap(({ subject, revision, sealed }) => {
      const named = batch.subjects[subject - 1]
      return named ? [[nameOf(named), { revision, sealed }] as const] : []
    }),
  )
  const refused = new Map<Write, AppendOutcome>()
  for (const append of appends) {
    const conflict = repeats.has(append) ? undefined : conflictOf(append, standing, head)
    if (conflict) refused.set(append, conflict)
  }
  return { known, refused }
}

/** The first conflict: a seal before a revision, since no other revision mends it; then in the order of the subjects. */
function conflictOf({ conditions, events }: Write, standing: ReadonlyMap<string, Standing>, head: number) {
  const sealing = events
    .filter(event => seals(event.eventType))
    .map(event => ({ subject: { kind: event.subjectKind, id: event.subjectId }, unsealed: true }))
  const conflicts = [...conditions, ...sealing].flatMap((condition): Conflict[] => {
    const { subject } = condition
    const now = standing.get(nameOf(subject))
    if (!now) return []
    if (!('revision' in condition)) return now.sealed ? [{ reason: 'sealed', subject, now }] : []
    return condition.revision === now.revision ? [] : [{ reason: 'revision', subject, now }]
  })
  conflicts.sort(
    (a, b) => compare(b.reason, a.reason) || compare(a.subject.kind, b.subject.kind) || compare(a.subject.id, b.subject.id),
  )
  const [conflict] = conflicts
  if (!conflict) return undefined
  const { reason, subject, now } = conflict
  return {
    outcome: 'conflict',
    reason,
    subject: { kind: subject.kind, id: subject.id },
    currentRevision: now.revision,
    head,
  } as const
}

function nameOf({ kind, id }: Subject): string {
  return `${kind}\u0000${id}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
