import { comparable } from './comparable.ts'
import type { Rule } from './evidence.ts'

/** On each of its connections a subscriber got exactly what the log has behind the place where it began; in the end it had all. */
export const subscribersSawAll: Rule = function* ({ history: { deliveries } }, log) {
  for (const [subscriber, connections] of Map.groupBy(deliveries, delivery => delivery.subscriber)) {
    let reached = connections[0]?.after ?? 0
    for (const { after, events, complaint } of connections) {
      if (complaint) yield `${subscriber} was told what cannot be: ${complaint}`
      if (after !== reached) yield `${subscriber} connected again behind ${after}, having got ${reached}`
      let last = after
      for (const { sequence, imprint } of events) {
        if (sequence !== last + 1) yield `${subscriber} got ${sequence} after ${last}`
        const stored = log.at(sequence)
        if (!stored) yield `${subscriber} got ${sequence}, which the log does not have`
        else if (imprint !== comparable(stored)) yield `${subscriber} got another event ${sequence} than the log has: ${imprint}`
        last = sequence
      }
      reached = last
    }
    if (reached !== log.head) yield `${subscriber} got everything up to ${reached}, the log ends at ${log.head}`
  }
}
