import { type EventType, makeEvent, type NewEvent, type PayloadOf } from '@artifact-store/core'

/** One event of a story. */
export function tell<T extends EventType>(type: T, subjectId: string, payload: PayloadOf<T>, actor = 'ci'): NewEvent {
  return makeEvent({ type, subjectId, actor, payload })
}
