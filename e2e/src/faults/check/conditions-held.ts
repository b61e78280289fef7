import { acknowledgement } from './appended.ts'
import type { Rule } from './evidence.ts'
import { seals } from './log-index.ts'

/** Every accepted append found its conditions true right before it, and no subject was sealed twice. */
export const conditionsHeld: Rule = function* ({ history: { appends }, remains }, log) {
  for (const call of appends) {
    const told = acknowledgement(call)
    if (!told) continue
    for (const condition of call.conditions) {
      const { kind, id } = condition.subject
      const before = told.firstSequence - 1
      if ('revision' in condition) {
        const revision = log.revisionAt(kind, id, before)
        if (revision !== condition.revision)
          yield `key ${call.key} asked for revision ${condition.revision} of ${kind}/${id}, which was at ${revision} when it was appended`
      } else {
        const seal = log.sealAt(kind, id, before)
        if (seal) yield `key ${call.key} asked for ${kind}/${id} unsealed, which event ${seal.sequence} had sealed before`
      }
    }
  }
  const sealed = new Map<string, number>()
  for (const event of remains.log) {
    if (!seals(event.type)) continue
    const subject = `${event.kind}/${event.id}`
    const first = sealed.get(subject)
    if (first !== undefined) yield `${subject} was sealed by event ${first} and again by event ${event.sequence}`
    sealed.set(subject, event.sequence)
  }
}
