import type { Rule } from './evidence.ts'

/** Faults are told as what they are: "try again" or "I do not know", and never as an error of the system's own making. */
export const allAnswersAreHonest: Rule = function* ({ history: { appends, gatewayCalls } }) {
  for (const { key, answer } of appends) if (answer.outcome === 'broken') yield `key ${key} was answered: ${answer.message}`
  for (const { client, call, answer, exchanges } of gatewayCalls) {
    if (answer.outcome === 'broken') yield `${client} was answered to ${JSON.stringify(call)}: ${answer.message}`
    if (exchanges.some(({ status }) => status === 500)) yield `${client} was answered 500 to ${JSON.stringify(call)}`
  }
}
