import { setTimeout as sleep } from 'node:timers/promises'
import { isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { type SeenEvent, UntrueEvent } from '../../seen-event.ts'
import type { Delivery, History } from '../history.ts'
import type { Imprinter } from '../imprint.ts'

/** One connection to where events come from; ends or throws when it breaks. */
export type Source = (after: number, signal: AbortSignal) => AsyncIterable<SeenEvent>

export interface Subscriber extends AsyncDisposable {
  readonly name: string
  /** The number of the last event that it got. */
  readonly reached: number
}

/**
 * Takes what comes, and connects again behind the last event that it got whenever a connection ends or breaks. All that came on each
 * connection is written down as it came.
 */
export function subscribe(name: string, source: Source, to: { history: History; imprint: Imprinter; after: number }): Subscriber {
  const leaving = new AbortController()
  let reached = to.after
  const following = (async () => {
    while (!leaving.signal.aborted) {
      const delivery: Delivery = { subscriber: name, after: reached, events: [] }
      to.history.deliveries.push(delivery)
      try {
        for await (const event of source(reached, leaving.signal)) {
          delivery.events.push(to.imprint(event))
          reached = event.sequence
        }
      } catch (error) {
        // Mostly it was broken by a fault: what came is what counts.
        if (isUnbelievable(error)) delivery.complaint = error instanceof Error ? error.message : String(error)
      }
      await sleep(50)
    }
  })()
  return {
    name,
    get reached() {
      return reached
    },
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await following
    },
  }
}

/** Something was said that no fault explains: an event that contradicts itself, is none, or leaves others out. */
function isUnbelievable(error: unknown): boolean {
  return (
    error instanceof UntrueEvent ||
    error instanceof z.ZodError ||
    error instanceof SyntaxError ||
    isArtifactError(error, 'internal')
  )
}
