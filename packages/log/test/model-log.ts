import type { Append, AppendOutcome } from '@artifact-store/log'

/** What an append's outcome says, apart from the numbers and times that depend on who came before whom elsewhere in the log. */
export type Verdict =
  | { readonly outcome: 'appended' | 'repeated' | 'key-reused' }
  | { readonly outcome: 'conflict'; readonly reason: 'revision'; readonly subject: string; readonly currentRevision: number }
  // A batch is judged by the state before it, in which others of the batch had not yet added to a sealed subject.
  | { readonly outcome: 'conflict'; readonly reason: 'sealed'; readonly subject: string }

/** The log's rules in the plainest form: one append after the other, in memory. */
export interface ModelLog {
  append(append: Append): Verdict
  /** The markers of each subject's events, in order; a marker is the event's actor. */
  readonly subjects: ReadonlyMap<string, readonly string[]>
}

export function createModelLog(): ModelLog {
  const subjects = new Map<string, string[]>()
  const sealed = new Set<string>()
  const keys = new Map<string, string>()
  const revisionOf = (subject: string) => subjects.get(subject)?.length ?? 0

  function refusal({ conditions, events }: Append): Verdict | undefined {
    const refusals = [
      ...conditions.map(c => ('revision' in c ? judgeRevision(nameOf(c.subject), c.revision) : judgeSeal(nameOf(c.subject)))),
      ...events.filter(e => seals(e.eventType)).map(e => judgeSeal(nameOf({ kind: e.subjectKind, id: e.subjectId }))),
    ].filter(verdict => verdict !== undefined)
    // Of several, the one that says "sealed" is told, then the first by name.
    return refusals.sort((a, b) => order(a).localeCompare(order(b)))[0]
  }
  const judgeRevision = (subject: string, revision: number) =>
    revisionOf(subject) === revision ? undefined : revisionConflict(subject, revisionOf(subject))
  const judgeSeal = (subject: string) => (sealed.has(subject) ? sealedConflict(subject) : undefined)

  return {
    subjects,
    append(append) {
      const says = JSON.stringify(append.events)
      const known = keys.get(append.key)
      if (known !== undefined) return { outcome: known === says ? 'repeated' : 'key-reused' }
      const refused = refusal(append)
      if (refused) return refused
      keys.set(append.key, says)
      for (const event of append.events) {
        const subject = nameOf({ kind: event.subjectKind, id: event.subjectId })
        subjects.set(subject, [...(subjects.get(subject) ?? []), event.actor])
        if (seals(event.eventType)) sealed.add(subject)
      }
      return { outcome: 'appended' }
    },
  }
}

/** Reduces a real outcome to what the model can say. */
export function verdictOf(outcome: AppendOutcome): Verdict {
  if (outcome.outcome !== 'conflict') return { outcome: outcome.outcome }
  const name = nameOf(outcome.subject)
  return outcome.reason === 'sealed' ? sealedConflict(name) : revisionConflict(name, outcome.currentRevision)
}

export function nameOf({ kind, id }: { kind: string; id: string }): string {
  return `${kind}/${id}`
}

type Conflict = Extract<Verdict, { outcome: 'conflict' }>

function revisionConflict(subject: string, currentRevision: number): Conflict {
  return { outcome: 'conflict', reason: 'revision', subject, currentRevision }
}

function sealedConflict(subject: string): Conflict {
  return { outcome: 'conflict', reason: 'sealed', subject }
}

function order(refused: Conflict): string {
  return `${refused.reason === 'sealed' ? 0 : 1} ${refused.subject}`
}

function seals(eventType: string): boolean {
  return /\.(finalized|discarded)$/.test(eventType)
}
