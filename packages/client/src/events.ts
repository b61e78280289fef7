import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import type { RetryPolicy } from './http/retry.ts'
import type { LogAccess } from './nats/nats-follower.ts'
import { type EventFilter, parseEvent, type StoreEvent } from './store-event.ts'
import { type SubscribeOptions, subscribe } from './subscribe/subscribe.ts'
import type { Subscription } from './subscribe/subscription.ts'
import type { CallOptions } from './wire.ts'

export interface ListEventsOptions extends EventFilter, CallOptions {
  /** The sequence behind which to begin; 0, also where nothing is said, is before the first. */
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

export interface EventPage {
  readonly events: StoreEvent[]
  /** How far was read, also where a filter let little through: the next page is after it. */
  readonly position: number
  /** Whether that was the log's end at the time. A page that is shorter than its limit need not be the last. */
  readonly atEnd: boolean
}

export class Events {
  readonly #caller: Caller
  readonly #retry: RetryPolicy

  constructor(caller: Caller, retry: RetryPolicy) {
    this.#caller = caller
    this.#retry = retry
  }

  /** One page, every payload proven by its digest. */
  async list(options: ListEventsOptions = {}): Promise<EventPage> {
    return this.#page(options)
  }

  /**
   * Follows the log, from `after` on and then as it grows: every event that is asked for once, in order, its payload proven. Connections
   * that are lost are made again, as often as it takes, and it goes on behind the last event that was taken. With `nats`, what is live
   * comes from there. Ends when the consumer breaks or the signal aborts.
   * @throws ArtifactError at once, `invalid-request` for a filter that is none and `configuration` for an address that is none; when it is read, what
   *   the gateway refuses it with, `backend-unavailable` when nothing answers at first, `unauthenticated` also when NATS refuses the login, `digest-mismatch`
   *   for a payload that was changed, `stream-forked` when events that were given are not in the log.
   */
  subscribe(options: SubscribeOptions = {}): Subscription {
    return subscribe(this.#caller, this.#retry, this.#logAccess(options), options)
  }

  async #page(options: ListEventsOptions, retry?: 'never'): Promise<EventPage> {
    const { after = 0, limit, type, subject, signal } = options
    const headers = { accept: 'application/cloudevents-batch+json' }
    const call = { method: 'GET', path: '/v1/events', query: { after, limit, type, subject }, headers, signal, retry } as const
    const { value, headers: answered } = await this.#caller.jsonWithHeaders(call, z.array(z.unknown()))
    const events = value.map(parseEvent)
    const position = Number(answered.get('artifact-position') ?? events.at(-1)?.sequence ?? after)
    return { events, position, atEnd: !/;\s*rel="?next"?/.test(answered.get('link') ?? '') }
  }

  /** Asks once: whoever follows the copy of the log does not wait for the log. */
  #logAccess({ type, subject, signal }: SubscribeOptions): LogAccess {
    const ask = async (options: ListEventsOptions): Promise<EventPage | undefined> => {
      try {
        return await this.#page({ ...options, signal }, 'never')
      } catch (error) {
        if (isArtifactError(error, 'backend-unavailable', 'log-unavailable', 'overloaded')) return undefined
        throw error
      }
    }
    return {
      event: async sequence => {
        const page = await ask({ after: sequence - 1, limit: 1 })
        const event = page?.events[0]
        if (!page || event?.sequence === String(sequence)) return event
        throw new ArtifactError('internal', `the gateway does not give event ${sequence} of its log`, { details: { sequence } })
      },
      next: async after => {
        const page = await ask({ after, limit: 1, type, subject })
        return page && { event: page.events[0], position: page.position }
      },
    }
  }
}
