import type { Append } from './event-log.ts'

/**
 * Which appends may share a batch. The database judges every condition against the state before the batch; that is right
 * as long as no append changes what another one's condition speaks of. Two that touch one subject therefore interfere
 * where either names its revision or seals it, and two with one key always do.
 */
export interface InterferenceGuard {
  /** Takes the append in unless it interferes with one that was offered before, taken in or not: those that interfere keep their order. */
  admit(append: Append): boolean
}

/**
 * @param underWay appends that have no answer yet. What touches a subject or has the key of one of them must come after it: when the database
 * refuses another append of its batch, it is tried again, behind what was sent meanwhile.
 */
export function createInterferenceGuard(underWay: readonly Append[]): InterferenceGuard {
  const keys = new Set(underWay.map(({ key }) => key))
  // Whether whoever touches the subject has it to itself.
  const subjects = new Map<string, boolean>()
  for (const append of underWay) for (const subject of touchedSubjects(append).keys()) subjects.set(subject, true)
  return {
    admit(append) {
      const touched = touchedSubjects(append)
      const free = [...touched].every(([subject, exclusive]) => {
        const taken = subjects.get(subject)
        return taken === undefined || (!taken && !exclusive)
      })
      const admitted = free && !keys.has(append.key)
      keys.add(append.key)
      for (const [subject, exclusive] of touched) subjects.set(subject, exclusive || !admitted)
      return admitted
    },
  }
}

/** Each subject of an append, and whether it must have the subject to itself. */
function touchedSubjects(append: Append): Map<string, boolean> {
  const touched = new Map<string, boolean>()
  for (const condition of append.conditions) touch(touched, condition.subject.kind, condition.subject.id, 'revision' in condition)
  for (const event of append.events) touch(touched, event.subjectKind, event.subjectId, seals(event.eventType))
  return touched
}

function touch(touched: Map<string, boolean>, kind: string, id: string, exclusive: boolean): void {
  const subject = `${kind}/${id}`
  touched.set(subject, exclusive || touched.get(subject) === true)
}

function seals(eventType: string): boolean {
  return eventType.endsWith('.finalized') || eventType.endsWith('.discarded')
}
