import { comparable } from './comparable.ts'
import type { Rule } from './evidence.ts'

/** The event stream holds every event of the log, under its number, and nothing else. */
export const streamEqualsLog: Rule = function* ({ remains: { log, stream } }) {
  if (stream.length !== log.length) yield `the stream has ${stream.length} messages, the log ${log.length} events`
  for (const [index, event] of log.entries()) {
    const message = stream[index]
    if (message && message.sequence !== event.sequence)
      yield `message ${message.sequence} stands in the place of event ${event.sequence}`
    else if (message && message.imprint !== comparable(event)) yield `message ${message.sequence} is not event ${event.sequence}`
  }
}
