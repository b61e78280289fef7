import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import type { RetryPolicy } from './http/retry.ts'
import { type EventFilter, eventSchema, type StoreEvent } from './store-event.ts'
import { type SubscribeOptions, subscribe } from './subscription.ts'
import type { CallOptions } from './wire.ts'

export interface ListEventsOptions extends EventFilter, CallOptions {
  /** The sequence behind which to begin; 0, also where nothing is said, is before the first. */
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

export class Events {
  readonly #caller: Caller
  readonly #retry: RetryPolicy

  constructor(caller: Caller, retry: RetryPolicy) {
    this.#caller = caller
    this.#retry = retry
  }

  /** One page. `position` is how far was read, also where a filter let little through: the next page is `after` it. */
  async list(options: ListEventsOptions = {}): Promise<{ events: StoreEvent[]; position: number }> {
    const { after = 0, limit, type, subject, signal } = options
    const headers = { accept: 'application/cloudevents-batch+json' }
    const call = { method: 'GET', path: '/v1/events', query: { after, limit, type, subject }, headers, signal } as const
    const { value: events, headers: answered } = await this.#caller.jsonWithHeaders(call, z.array(eventSchema))
    const position = Number(answered.get('artifact-position') ?? events.at(-1)?.sequence ?? after)
    return { events, position }
  }

  /**
   * Follows the log, from `after` on and then as it grows, in order, without gap or repeat. A connection that is lost is made again, as
   * often as it takes, and goes on behind the last event that was taken. Ends when the consumer breaks or the signal aborts.
   * @throws ArtifactError when nothing answers at first, or the gateway refuses.
   */
  subscribe(options: SubscribeOptions = {}): AsyncGenerator<StoreEvent, void, undefined> {
    return subscribe(this.#caller, this.#retry, options)
  }
}
