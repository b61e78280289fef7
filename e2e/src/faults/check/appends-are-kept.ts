import type { AppendCall, SentEvent } from '../history.ts'
import { acknowledgement, byContent, byKey, isOpen } from './appended.ts'
import type { LogEvent, LogIndex, Rule } from './evidence.ts'

/** By their actors, the events of the appends are known from those of the gateway. */
export const appendActor = 'append:'

/**
 * What was acknowledged is in the log once, at the numbers that were told, as it was sent. What was refused is not in it. What was left
 * open is in it once and whole, or not at all. And nothing is in it that nobody sent.
 */
export const appendsAreKept: Rule = function* ({ history: { appends }, remains }, log) {
  for (const [key, calls] of byKey(appends)) {
    const contents = byContent(calls)
    for (const content of contents) yield* judge(key, content, log)
    if (contents.filter(([call]) => call?.events.some(event => log.byActor(event.actor).length > 0)).length > 1)
      yield `key ${key} was used twice, and both appends are in the log`
  }
  const sent = new Set(appends.flatMap(call => call.events.map(event => event.actor)))
  for (const event of remains.log) {
    if (event.actor.startsWith(appendActor) && !sent.has(event.actor)) yield `event ${event.sequence} was sent by nobody`
  }
}

function* judge(key: string, calls: readonly AppendCall[], log: LogIndex): Generator<string> {
  const events = calls[0]?.events ?? []
  const found = events.map(event => log.byActor(event.actor))
  for (const [index, places] of found.entries()) {
    if (places.length > 1) yield `event ${index} of key ${key} is in the log ${places.length} times: ${numbers(places)}`
  }
  const placed = found.flatMap(places => places.slice(0, 1))
  if (placed.length > 0) {
    if (placed.length < events.length) yield `of the ${events.length} events of key ${key} only ${placed.length} are in the log`
    else if (placed.some((event, index) => event.sequence !== (placed[0]?.sequence ?? 0) + index))
      yield `the events of key ${key} are not beside each other: ${numbers(placed)}`
    for (const [index, event] of events.entries()) {
      const place = found[index]?.[0]
      if (place && !isSame(event, place)) yield `event ${place.sequence} is not what key ${key} sent`
    }
  }
  for (const call of calls) yield* judgeAcknowledgement(key, call, log)
  const certainlyNot = calls.every(call => !isOpen(call) && !acknowledgement(call))
  if (certainlyNot && placed.length > 0) yield `key ${key} was refused each time, and is in the log at ${numbers(placed)}`
}

function* judgeAcknowledgement(key: string, call: AppendCall, log: LogIndex): Generator<string> {
  const told = acknowledgement(call)
  if (!told) return
  const { firstSequence, lastSequence, createdAt } = told
  const span = `key ${key} was told ${firstSequence} to ${lastSequence}`
  if (lastSequence - firstSequence + 1 !== call.events.length) yield `${span} for ${call.events.length} events`
  for (const [index, event] of call.events.entries()) {
    const stored = log.at(firstSequence + index)
    if (!stored) yield `${span}, and the log has nothing at ${firstSequence + index}`
    else if (!isSame(event, stored))
      yield `${span}, and something else is at ${stored.sequence} (${stored.type} by ${stored.actor})`
    else if (stored.time !== createdAt.toISOString())
      yield `${span} and the time ${createdAt.toISOString()}, but event ${stored.sequence} is of ${stored.time}`
  }
}

function isSame(sent: SentEvent, stored: LogEvent): boolean {
  return (['type', 'kind', 'id', 'actor', 'digest'] as const).every(field => sent[field] === stored[field])
}

function numbers(events: readonly LogEvent[]): string {
  return events.map(event => event.sequence).join(', ')
}
