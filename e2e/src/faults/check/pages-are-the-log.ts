import type { PageRead } from '../history.ts'
import { comparable } from './comparable.ts'
import type { LogEvent, Rule } from './evidence.ts'
import { knownPositions } from './order-of-time.ts'

/** A page holds exactly the events that its filter lets through, up to the position that it names, and what was known when it was asked for. */
export const pagesAreTheLog: Rule = function* ({ history, remains }, log) {
  const knownAt = knownPositions(history)
  for (const page of history.pageReads) {
    const { client, after, limit, position, atEnd, events, asked } = page
    const here = `the page of ${client} behind ${after} (at most ${limit}, ${JSON.stringify(page.filter)})`
    if (position > log.head) yield `${here} was read up to ${position}, the log ends at ${log.head}`
    if (events.length > limit) yield `${here} has ${events.length} events`
    const expected = remains.log
      .slice(after, position)
      .filter(event => passes(event, page.filter))
      .slice(0, limit)
    if (events.map(event => event.imprint).join('\n') !== expected.map(comparable).join('\n'))
      yield `${here} has ${numbers(events)} and should have ${numbers(expected)}`
    if (atEnd && position < Math.max(after, knownAt(asked)))
      yield `${here} was read up to ${position}, and ${knownAt(asked)} had been acknowledged before`
  }
}

function passes(event: LogEvent, { type, subject }: PageRead['filter']): boolean {
  return (type === undefined || event.type === type) && (subject === undefined || `${event.kind}/${event.id}` === subject)
}

function numbers(events: readonly { readonly sequence: number }[]): string {
  const all = events.map(event => event.sequence)
  return all.length > 12 ? `${all.length} events from ${all[0]} to ${all.at(-1)}` : `events ${all.join(', ') || 'none'}`
}
