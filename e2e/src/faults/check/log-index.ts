import type { LogEvent, LogIndex } from './evidence.ts'

export function indexLog(events: readonly LogEvent[]): LogIndex {
  const bySequence = new Map(events.map(event => [event.sequence, event]))
  const byActor = Map.groupBy(events, event => event.actor)
  const bySubject = Map.groupBy(events, event => `${event.kind}/${event.id}`)
  const ofSubject = (kind: string, id: string) => bySubject.get(`${kind}/${id}`) ?? []
  return {
    head: events.at(-1)?.sequence ?? 0,
    at: sequence => bySequence.get(sequence),
    byActor: actor => byActor.get(actor) ?? [],
    ofSubject,
    revisionAt: (kind, id, position) => ofSubject(kind, id).findLast(event => event.sequence <= position)?.revision ?? 0,
    sealAt: (kind, id, position) => ofSubject(kind, id).find(event => seals(event.type) && event.sequence <= position),
  }
}

/** Whether an event of that type closes its subject: written down here a second time, as the checker takes nothing from what it checks. */
export function seals(type: string): boolean {
  return type.endsWith('.finalized') || type.endsWith('.discarded')
}
