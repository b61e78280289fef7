import { type ArtifactError, type EventSelection, isArtifactError } from '@artifact-store/core'
import type { StoreEvent } from '../store-event.ts'
import type { HttpFollower } from '../subscribe/http-follower.ts'
import type { Step } from '../subscribe/step.ts'
import { Broker, type NatsSource } from './broker.ts'
import { type LogAccess, NatsFollower, reach, requireInLog } from './nats-follower.ts'

/** Where events come from, from now on. */
export interface SourceNotice {
  readonly source: 'gateway' | 'nats'
  readonly after: number
  /** Why NATS was left, or cannot be joined. */
  readonly error?: ArtifactError | undefined
}

export interface FollowBothOptions {
  readonly nats: NatsSource
  readonly selection: EventSelection
  readonly http: HttpFollower
  readonly log: LogAccess
  readonly onSource?: ((notice: SourceNotice) => void) | undefined
}

/** The waits before the stream is looked for again, in milliseconds: after the first failure, and the longest. */
const firstWaitMs = 100
const longestWaitMs = 10_000
/** Whoever followed NATS for so long, in milliseconds, did not fail to join it. */
const settledMs = 10_000

/**
 * History from the log, by way of the gateway; then the live stream from NATS, as long as that agrees with the log; and from the gateway again
 * whenever the broker, or its stream, is away, or behind, or wrong. The position is one number for both, so each goes on exactly where
 * the other stopped.
 */
export async function* followBoth(
  options: FollowBothOptions,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Step, void, undefined> {
  const { http, onSource } = options
  await using broker = new Broker(options.nats)
  const follower = new NatsFollower(options.selection, options.log, options.nats.quietMs)
  let position = after
  // The last event that came over NATS, until the log was seen to have it.
  let unproven: StoreEvent | undefined
  let failures = 0
  let error: ArtifactError | undefined

  while (!signal.aborted) {
    onSource?.({ source: 'gateway', after: position, error })
    const leaving = new AbortController()
    let approaching: Promise<void> | undefined
    for await (const step of http.follow(position, AbortSignal.any([signal, leaving.signal]))) {
      if (unproven && (await requireInLog(options.log, unproven))) unproven = undefined
      position = step.position
      yield step
      // Not before the log's end: all of the past comes from the log itself.
      if (step.event || approaching) continue
      approaching = untilThere(
        broker,
        () => position,
        failures,
        signal,
        trouble => {
          if (trouble.message !== error?.message) onSource?.({ source: 'gateway', after: position, error: trouble })
          error = trouble
        },
      ).finally(() => leaving.abort())
      approaching.catch(() => undefined)
    }
    await approaching
    const stream = broker.stream()
    if (signal.aborted || !stream) continue

    const since = performance.now()
    let joined = false
    error = undefined
    try {
      for await (const step of follower.follow(stream, position, signal)) {
        if (!joined) onSource?.({ source: 'nats', after: position })
        joined = true
        position = step.position
        unproven = step.event ?? unproven
        yield step
      }
    } catch (caught) {
      if (!isArtifactError(caught) || caught.kind === 'stream-forked') throw caught
      error = caught
    }
    failures = joined && performance.now() - since > settledMs ? 0 : failures + 1
  }
}

/** Returns when the stream has come to where the log was a moment before, or when the signal aborts. */
async function untilThere(
  broker: Broker,
  position: () => number,
  failures: number,
  signal: AbortSignal,
  onTrouble: (error: ArtifactError) => void,
): Promise<void> {
  for (let attempt = failures; !signal.aborted; attempt++) {
    const waitMs = attempt === 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt - 1, 30))
    // A broker that has just come back may need a moment, but not the patience that its absence had taught.
    if (waitMs > 0 && (await broker.changed(waitMs, signal))) attempt = 0
    const stream = broker.stream()
    if (!stream) continue
    // A stream that nobody fills never gets there, and is not waited for without events.
    const there = await reach(stream, position(), signal).catch((error: unknown) => {
      if (!isArtifactError(error)) throw error
      onTrouble(error)
    })
    if (there) return
  }
}
