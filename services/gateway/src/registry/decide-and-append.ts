import { ArtifactError, type NewEvent } from '@artifact-store/core'
import type { AppendOutcome, Condition } from '@artifact-store/log'
import type { GatewayContext } from '../context.ts'

/** What a decision comes to: nothing to write, or events under the conditions on which it rests. */
export type Decision<Answer> =
  | { readonly answer: Answer; readonly append?: undefined }
  | {
      readonly answer: Answer
      readonly append: {
        readonly events: readonly [NewEvent, ...NewEvent[]]
        readonly conditions: readonly Condition[]
      }
    }

/** An answer, and the position of the log at which it is true. Reads show it once the views are there. */
export interface Decided<Answer> {
  readonly answer: Answer
  /** Absent when nothing was written. */
  readonly position?: number
}

/** How often a decision is made anew before the caller is asked to come back. */
const maxAttempts = 30

/**
 * Decides on what the views show and appends under the condition that it still holds; where another writer was faster, waits
 * until the views show that and decides again (optimistic concurrency). Returns when the write is in the log.
 * @param decide reads the views; throws to refuse.
 * @throws ArtifactError `revision-conflict` after too many rounds, and for what has events that this version cannot read;
 * `log-unavailable`, `overloaded`, `views-behind`.
 */
export async function decideAndAppend<Answer>(
  gateway: Pick<GatewayContext, 'log' | 'follower'>,
  decide: () => Promise<Decision<Answer>>,
): Promise<Decided<Answer>> {
  let conflict: Conflict | undefined
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const decision = await decide()
    if (!decision.append) return { answer: decision.answer }
    if (conflict) requireReadable(conflict, decision.append.conditions)
    const outcome: AppendOutcome = await gateway.log.append({ key: crypto.randomUUID(), ...decision.append })
    switch (outcome.outcome) {
      case 'appended':
      case 'repeated':
        return { answer: decision.answer, position: outcome.lastSequence }
      case 'conflict':
        await gateway.follower.reached(outcome.head)
        conflict = outcome
        break
      case 'key-reused':
        throw new ArtifactError('internal', 'a random idempotency key was used before')
    }
  }
  throw new ArtifactError('revision-conflict', 'others keep changing the same thing at the same time: try again')
}

type Conflict = Extract<AppendOutcome, { outcome: 'conflict' }>

/**
 * The views have reached the conflict by now. Where they still show an older revision, the subject has events that they passed over, of a type
 * or version that is newer than this code (ADR 0016). What those say is unknown, so nothing can be decided about it.
 */
function requireReadable({ subject, currentRevision }: Conflict, conditions: readonly Condition[]): void {
  const shown = conditions.find(condition => condition.subject.kind === subject.kind && condition.subject.id === subject.id)
  if (!shown || !('revision' in shown) || shown.revision >= currentRevision) return
  throw new ArtifactError(
    'revision-conflict',
    `${subject.kind}/${subject.id} is at revision ${currentRevision} and the views show ${shown.revision}: what lies between was written by a newer ` +
      'version of the store, which this one cannot read; change it with that version',
    { details: { subject, currentRevision, shownRevision: shown.revision } },
  )
}
