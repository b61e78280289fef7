import { ArtifactError } from '@artifact-store/core'
import type { Caller } from './http/caller.ts'
import { pause, type RetryPolicy, retryDelay } from './http/retry.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import { type EventFilter, eventSchema, type StoreEvent } from './store-event.ts'
import type { CallOptions } from './wire.ts'

export interface SubscribeOptions extends EventFilter, CallOptions {
  /** The sequence of the last event that is known already; 0, also where nothing is said, is before the first. */
  readonly after?: number | undefined
  /** Told when the connection was lost and will be made again; `error` is missing when the gateway ended it in good order. */
  readonly onReconnect?: ((notice: { error: ArtifactError | undefined; delayMs: number; after: number }) => void) | undefined
  /** How long a silent connection is believed in, in milliseconds; 60,000 where nothing is said. The gateway beats more often. */
  readonly idleTimeoutMs?: number | undefined
}

/** See `Events.subscribe`. */
export async function* subscribe(
  caller: Caller,
  retry: RetryPolicy,
  options: SubscribeOptions,
): AsyncGenerator<StoreEvent, void, undefined> {
  const forever: RetryPolicy = { ...retry, attempts: Number.POSITIVE_INFINITY, attemptsBeforeContact: Number.POSITIVE_INFINITY }
  const scope = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, scope.signal]) : scope.signal
  let position = options.after ?? 0
  let policy = retry
  let failures = 0
  try {
    for (;;) {
      let lost: ArtifactError | undefined
      const since = performance.now()
      try {
        for await (const event of connect(caller, options, { position, again: policy === forever, policy, signal })) {
          failures = 0
          const sequence = Number(event.sequence)
          // A server that resumes a little early repeats itself; the number says so.
          if (sequence <= position) continue
          refuseGap(options, position, sequence)
          position = sequence
          yield event
        }
      } catch (error) {
        lost = caller.connectionFailure(error)
        if (!lost) throw error
      }
      signal.throwIfAborted()
      policy = forever
      // A quiet stream that a proxy ends every minute is no failure; one that ends at once, again and again, is.
      failures = performance.now() - since > retry.longestDelayMs ? 1 : failures + 1
      const delayMs = retryDelay(forever, failures, { contacted: true }) ?? retry.longestDelayMs
      options.onReconnect?.({ error: lost, delayMs, after: position })
      await pause(delayMs, signal)
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error
  } finally {
    // Closes the connection of a consumer that left by `break`.
    scope.abort()
  }
}

/** One connection, until it ends. */
async function* connect(
  caller: Caller,
  options: SubscribeOptions,
  attempt: { position: number; again: boolean; policy: RetryPolicy; signal: AbortSignal },
): AsyncGenerator<StoreEvent, void, undefined> {
  const { type, subject, idleTimeoutMs = 60_000 } = options
  const { position, again, policy, signal } = attempt
  const response = await caller.stream({
    method: 'GET',
    path: '/v1/events',
    query: { after: position, type, subject },
    headers: { accept: 'text/event-stream', ...(again ? { 'last-event-id': String(position) } : {}) },
    signal,
    idleTimeoutMs,
    retry: policy,
  })
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    response.body.destroy()
    throw new ArtifactError(
      'internal',
      'the gateway answered no event stream: is something between here and there that changes what is asked for?',
    )
  }
  for await (const { data } of readServerSentEvents(response.body as AsyncIterable<Uint8Array>)) yield parseEvent(data)
}

function parseEvent(data: string): StoreEvent {
  const parsed = eventSchema.safeParse(parseJson(data))
  if (parsed.success) return parsed.data
  throw new ArtifactError('internal', 'the event stream has an event that this client cannot read: is it as new as the store?', {
    cause: parsed.error,
    details: { data: data.slice(0, 500) },
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Without a filter the numbers have no holes, so a hole is a loss: better to stop than to go on as if nothing had been. */
function refuseGap(filter: EventFilter, position: number, sequence: number): void {
  if (filter.type !== undefined || filter.subject !== undefined || sequence === position + 1) return
  throw new ArtifactError(
    'internal',
    `the event stream went on with ${sequence} after ${position}: what lies between was lost on the way`,
    {
      details: { position, sequence },
    },
  )
}
