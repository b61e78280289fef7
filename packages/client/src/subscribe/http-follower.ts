import { ArtifactError } from '@artifact-store/core'
import type { Caller } from '../http/caller.ts'
import { pause, type RetryPolicy, retryDelay } from '../http/retry.ts'
import { readServerSentEvents } from '../server-sent-events.ts'
import { type EventFilter, parseEvent, type StoreEvent } from '../store-event.ts'
import type { Step } from './step.ts'

/** That the gateway's stream ended, and will be asked for again. */
export interface ReconnectNotice {
  /** Missing when the gateway ended it in good order. */
  readonly error: ArtifactError | undefined
  readonly delayMs: number
  /** Where it goes on. */
  readonly after: number
}

export interface HttpFollowerOptions {
  readonly filter: EventFilter
  readonly onReconnect?: ((notice: ReconnectNotice) => void) | undefined
  readonly idleTimeoutMs?: number | undefined
}

/** Follows the log over the gateway's server-sent events, over as many connections as it takes. */
export class HttpFollower {
  readonly #caller: Caller
  readonly #retry: RetryPolicy
  readonly #forever: RetryPolicy
  readonly #options: HttpFollowerOptions
  /** Whether the gateway has ever given a stream: a wrong address is said soon, an outage is waited for. */
  #known: boolean

  constructor(caller: Caller, retry: RetryPolicy, options: HttpFollowerOptions) {
    this.#caller = caller
    this.#retry = retry
    this.#forever = { ...retry, attempts: Number.POSITIVE_INFINITY, attemptsBeforeContact: Number.POSITIVE_INFINITY }
    this.#options = options
    this.#known = false
  }

  /**
   * What comes after a position, without end. A step without an event says that the log's end was reached, or that others went by. Ends
   * when the signal aborts.
   * @throws ArtifactError when nothing answers at first, or the gateway refuses.
   */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
    const { onReconnect } = this.#options
    const scope = new AbortController()
    const ending = AbortSignal.any([signal, scope.signal])
    let position = after
    let failures = 0
    try {
      for (;;) {
        let lost: ArtifactError | undefined
        const since = performance.now()
        try {
          for await (const step of this.#connect(position, ending)) {
            failures = 0
            // A server that resumes a little early repeats itself; the number says so.
            if (step.position < position || (step.event && step.position === position)) continue
            this.#refuseGap(position, step)
            position = step.position
            yield step
          }
        } catch (error) {
          lost = this.#caller.connectionFailure(error)
          if (!lost) throw error
        }
        ending.throwIfAborted()
        // A quiet stream that a proxy ends every minute is no failure; one that ends at once, again and again, is.
        failures = performance.now() - since > this.#retry.longestDelayMs ? 1 : failures + 1
        const delayMs = retryDelay(this.#forever, failures, { contacted: true }) ?? this.#retry.longestDelayMs
        onReconnect?.({ error: lost, delayMs, after: position })
        await pause(delayMs, ending)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      // Closes the connection of a consumer that left by `break`.
      scope.abort()
    }
  }

  /** One connection, until it ends. */
  async *#connect(position: number, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
    const { filter, idleTimeoutMs = 60_000 } = this.#options
    const response = await this.#caller.stream({
      method: 'GET',
      path: '/v1/events',
      query: { after: position, type: filter.type, subject: filter.subject },
      headers: { accept: 'text/event-stream', ...(this.#known ? { 'last-event-id': String(position) } : {}) },
      signal,
      idleTimeoutMs,
      retry: this.#known ? this.#forever : this.#retry,
    })
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      response.body.destroy()
      throw new ArtifactError(
        'internal',
        'the gateway answered no event stream: is something between here and there that changes what is asked for?',
      )
    }
    this.#known = true
    for await (const { id, data } of readServerSentEvents(response.body as AsyncIterable<Uint8Array>)) {
      if (data !== undefined) {
        const event = eventOf(data)
        yield { event, position: Number(event.sequence) }
      } else if (id !== undefined && /^\d{1,16}$/.test(id)) {
        yield { position: Number(id) }
      }
    }
  }

  /** Without a filter the numbers have no holes, so a hole is a loss: better to stop than to go on as if nothing had been. */
  #refuseGap(position: number, step: Step): void {
    const { type, subject } = this.#options.filter
    if (type !== undefined || subject !== undefined || step.position <= position + (step.event ? 1 : 0)) return
    throw new ArtifactError(
      'internal',
      `the event stream went on with ${step.position} after ${position}: what lies between was lost on the way`,
      { details: { position, sequence: step.position } },
    )
  }
}

function eventOf(data: string): StoreEvent {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    // What is no JSON is no event either, and is refused as such.
    value = data
  }
  return parseEvent(value)
}
