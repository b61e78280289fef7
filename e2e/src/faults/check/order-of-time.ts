import type { History } from '../history.ts'
import { acknowledgement, byKey } from './appended.ts'
import type { Rule } from './evidence.ts'

/** Whatever was acknowledged before another append was asked for stands before it, and every judgement has seen it. */
export const orderOfTime: Rule = function* ({ history }) {
  const knownAt = knownPositions(history)
  for (const [key, calls] of byKey(history.appends)) {
    const asked = Math.min(...calls.map(call => call.asked))
    for (const call of calls) {
      const { answer } = call
      if (answer.outcome === 'appended' && answer.firstSequence <= knownAt(asked))
        yield `key ${key} is at ${answer.firstSequence}, and ${knownAt(asked)} had been acknowledged before it was asked for`
      if (answer.outcome === 'conflict' && answer.head < knownAt(call.asked))
        yield `key ${key} was judged at head ${answer.head}, and ${knownAt(call.asked)} had been acknowledged before`
    }
  }
}

/** The highest position that somebody had been told of before that time. */
export function knownPositions({ appends, gatewayCalls }: History): (time: number) => number {
  const told = [
    ...appends.map(call => ({ at: call.answered, position: acknowledgement(call)?.lastSequence ?? 0 })),
    ...gatewayCalls.map(call => ({ at: call.answered, position: Math.max(0, ...call.exchanges.map(one => one.position ?? 0)) })),
  ].sort((a, b) => a.at - b.at)
  let highest = 0
  const steps = told.map(({ at, position }) => {
    highest = Math.max(highest, position)
    return { at, highest }
  })
  return time => {
    let [low, high] = [0, steps.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((steps[middle]?.at ?? 0) < time) low = middle + 1
      else high = middle
    }
    return steps[low - 1]?.highest ?? 0
  }
}
