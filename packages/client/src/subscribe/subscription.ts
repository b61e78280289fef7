import type { StoreEvent } from '../store-event.ts'
import type { Step } from './step.ts'

/** Events as they happen. It ends when its consumer breaks, when `return()` is called (also while it waits), or when its signal aborts. */
export interface Subscription extends AsyncGenerator<StoreEvent, void, undefined> {
  /**
   * Everything that is asked for up to this sequence has been handed out; the last of it may still be in your hands. It also moves past
   * events that a filter leaves out, so whoever keeps it, once idle, never reads those again.
   */
  readonly position: number
}

/** @param steps is given a signal that aborts when the subscription ends, by whichever way. */
export function subscription(
  after: number,
  outer: AbortSignal | undefined,
  steps: (signal: AbortSignal) => AsyncGenerator<Step, void, undefined>,
): Subscription {
  const ended = new AbortController()
  let position = after
  async function* events(): AsyncGenerator<StoreEvent, void, undefined> {
    try {
      for await (const step of steps(outer ? AbortSignal.any([outer, ended.signal]) : ended.signal)) {
        position = step.position
        if (step.event) yield step.event
      }
    } finally {
      ended.abort()
    }
  }
  const generator = events()
  return {
    get position() {
      return position
    },
    next: () => generator.next(),
    // A generator's own return() queues behind a next() that still runs, and that one may wait for an event that never comes.
    return(value) {
      ended.abort()
      return generator.return(value)
    },
    throw(error) {
      ended.abort()
      return generator.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}
