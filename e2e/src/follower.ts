import { eventually } from './eventually.ts'
import type { SeenEvent } from './seen-event.ts'

/** Someone who takes events as they come. */
export interface Follower extends AsyncDisposable {
  /** All that came, in the order of their coming, as soon as number `sequence` is among them. @throws what ended the following before. */
  upTo(sequence: number): Promise<readonly SeenEvent[]>
}

/** Takes from a source in the background, until disposed of. */
export function follow(open: (signal: AbortSignal) => AsyncIterable<SeenEvent>): Follower {
  const events: SeenEvent[] = []
  const leaving = new AbortController()
  let broken: { readonly error: unknown } | undefined
  const following = (async () => {
    for await (const event of open(leaving.signal)) events.push(event)
  })().catch((error: unknown) => {
    broken = { error }
  })
  return {
    upTo: sequence =>
      eventually(`event ${sequence} comes (the last one was ${events.at(-1)?.sequence})`, () => {
        if (events.some(event => event.sequence === sequence)) return [...events]
        if (broken) throw broken.error
        return undefined
      }),
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await following
    },
  }
}
