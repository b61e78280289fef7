import type { AppendCall } from '../history.ts'
import { byKey } from './appended.ts'
import type { LogIndex, Rule } from './evidence.ts'

/** Every conflict stood in the log at the position that the answer names, and every reused key belongs to other events. */
export const refusalsHadReasons: Rule = function* ({ history: { appends } }, log) {
  for (const [key, calls] of byKey(appends)) {
    for (const call of calls) {
      if (call.answer.outcome === 'conflict') yield* judgeConflict(key, call, call.answer, log)
      if (call.answer.outcome !== 'key-reused') continue
      const { firstSequence, lastSequence } = call.answer
      const owner = calls.find(other => other.events.every((event, i) => log.at(firstSequence + i)?.actor === event.actor))
      if (!owner || owner.events.length !== lastSequence - firstSequence + 1)
        yield `key ${key} was said to be used for ${firstSequence} to ${lastSequence}, where its events are not`
      else if (owner.events[0]?.actor === call.events[0]?.actor)
        yield `key ${key} was said to be used for other events, and they are its own`
    }
  }
}

type Conflict = Extract<AppendCall['answer'], { readonly outcome: 'conflict' }>

function* judgeConflict(key: string, call: AppendCall, answer: Conflict, log: LogIndex): Generator<string> {
  const { reason, subject, currentRevision, head } = answer
  const { kind, id } = subject
  const told = `key ${key} was refused (${reason}, ${kind}/${id} at revision ${currentRevision}, head ${head})`
  if (head > log.head) yield `${told}, and the log ends at ${log.head}`
  const revision = log.revisionAt(kind, id, head)
  if (revision !== currentRevision) yield `${told}, and at that head the revision is ${revision}`
  const conditions = call.conditions.filter(condition => condition.subject.kind === kind && condition.subject.id === id)
  if (reason === 'sealed') {
    if (!log.sealAt(kind, id, head)) yield `${told}, and nothing had sealed it`
  } else if (!conditions.some(condition => 'revision' in condition && condition.revision !== revision)) {
    yield `${told}, and no condition of it was broken`
  }
}
