import type { AppendAnswer, AppendCall } from '../history.ts'

export type Acknowledged = Extract<AppendAnswer, { readonly createdAt: Date }>

/** Whether the client was told that the events are in the log. */
export function acknowledgement(call: AppendCall): Acknowledged | undefined {
  return call.answer.outcome === 'appended' || call.answer.outcome === 'repeated' ? call.answer : undefined
}

/** Whether it was left open what became of the call. */
export function isOpen({ answer: { outcome } }: AppendCall): boolean {
  return outcome === 'unknown' || outcome === 'broken'
}

/** The calls of each key. */
export function byKey(calls: readonly AppendCall[]): Map<string, AppendCall[]> {
  return Map.groupBy(calls, call => call.key)
}

/** The calls of one key by what they wanted to append: where a key is used twice there are two of them. */
export function byContent(calls: readonly AppendCall[]): AppendCall[][] {
  return [...Map.groupBy(calls, ({ events }) => events.map(event => event.actor).join('\n')).values()]
}
