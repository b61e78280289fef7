import { acknowledgement, byContent, byKey } from './appended.ts'
import type { Rule } from './evidence.ts'

/** A repeat is answered as the first was, whichever log-writer is asked, and once the answer is known nothing else is answered. */
export const keysAnswerAlike: Rule = function* ({ history: { appends } }) {
  for (const [key, calls] of byKey(appends)) {
    if (calls.filter(call => call.answer.outcome === 'appended').length > 1) yield `key ${key} was appended more than once`
    for (const content of byContent(calls)) {
      const told = new Set(
        content.map(acknowledgement).flatMap(answer => (answer ? [`${answer.firstSequence}-${answer.lastSequence}`] : [])),
      )
      if (told.size > 1) yield `key ${key} was told different places: ${[...told].join(' and ')}`
    }
    // The first that anybody knew of; whatever was asked later has to be answered by it.
    const known = Math.min(...calls.filter(acknowledgement).map(call => call.answered))
    const owner = calls.find(acknowledgement)?.events[0]?.actor
    for (const call of calls) {
      if (call.asked < known) continue
      const right = call.events[0]?.actor === owner ? 'repeated' : 'key-reused'
      const { outcome } = call.answer
      if (![right, 'unknown', 'broken', 'refused'].includes(outcome))
        yield `key ${key} was answered ${outcome} when it had to be ${right}`
    }
  }
}
