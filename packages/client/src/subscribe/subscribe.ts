import { parseEventSelection } from '@artifact-store/core'
import type { Caller } from '../http/caller.ts'
import type { RetryPolicy } from '../http/retry.ts'
import type { NatsSource } from '../nats/broker.ts'
import type { SourceNotice } from '../nats/follow-both.ts'
import type { LogAccess } from '../nats/nats-follower.ts'
import type { EventFilter } from '../store-event.ts'
import type { CallOptions } from '../wire.ts'
import { HttpFollower, type ReconnectNotice } from './http-follower.ts'
import { type Subscription, subscription } from './subscription.ts'

export interface SubscribeOptions extends EventFilter, CallOptions {
  /** The sequence of the last event that is known already; 0, also where nothing is said, is before the first. */
  readonly after?: number | undefined
  /** Where NATS is. History comes from the gateway all the same, and so does everything while NATS is away. */
  readonly nats?: NatsSource | undefined
  /** Told when the gateway's stream was lost and will be asked for again. */
  readonly onReconnect?: ((notice: ReconnectNotice) => void) | undefined
  /** Told, where NATS is used, whenever events begin to come from the other of the two. */
  readonly onSource?: ((notice: SourceNotice) => void) | undefined
  /** How long a silent connection to the gateway is believed in, in milliseconds; 60,000 where nothing is said. It beats more often. */
  readonly idleTimeoutMs?: number | undefined
}

/** See `Events.subscribe`. */
export function subscribe(caller: Caller, retry: RetryPolicy, log: LogAccess, options: SubscribeOptions): Subscription {
  const { after = 0, type, subject, signal, nats, onReconnect, onSource, idleTimeoutMs } = options
  const selection = parseEventSelection({ types: type === undefined ? undefined : [type].flat(), subject })
  const http = new HttpFollower(caller, retry, { filter: { type, subject }, onReconnect, idleTimeoutMs })
  return subscription(after, signal, async function* (ended) {
    if (!nats) return yield* http.follow(after, ended)
    // Whoever does without NATS does without its client, too.
    const { followBoth } = await import('../nats/follow-both.ts')
    yield* followBoth({ nats, selection, http, log, onSource }, after, ended)
  })
}
