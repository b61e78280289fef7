import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { Append, AppendOutcome, AppendPort } from './event-log.ts'
import { createDispatcher, type Pending } from './remote/dispatcher.ts'
import { type LogWriterClient, openLogWriterClient, retryAfterMs } from './remote/log-writer-client.ts'
import { chooseWriter } from './remote/writer-choice.ts'
import { type FramedAppend, frameAppend, joinFrames } from './wire/append-frames.ts'
import { maxAppendRequestBytes, maxAppendsPerRequest } from './wire/limits.ts'
import { readResults } from './wire/outcomes.ts'

export interface RemoteLogOptions<Origin = unknown> {
  /** The log-writers, the preferred one first. */
  readonly urls: readonly [URL, ...URL[]]
  /** The secret that the log-writers share with those who may append. */
  readonly token: string
  /** For how long an append is tried again while no log-writer takes it, in milliseconds; 15,000 unless told. */
  readonly patienceMs?: number
  /** How long one log-writer may take to answer before the next one is asked, in milliseconds; 5,000 unless told. */
  readonly attemptMs?: number
  /** How many appends may wait before more are refused as `overloaded`; 10,000 unless told. */
  readonly maxWaiting?: number
  /** The most appends in one request, 1 to 1000; 1000 unless told. */
  readonly maxAppendsPerRequest?: number
  /** How many requests may be under way at once; 2 unless told. */
  readonly maxInFlight?: number
  /** Tells log-writers for whom they are asked; without it they are not told. */
  readonly propagation?: Propagation<Origin> | undefined
}

/** How a request to a log-writer names those for whom it is made. */
export interface Propagation<Origin> {
  /** For whom an append is, asked when it is submitted. */
  origin(): Origin | undefined
  /** A request goes to that log-writer with the appends of these. */
  ask(host: string, origins: readonly (Origin | undefined)[]): Asking
}

export interface Asking {
  /** What the request says beside its own. */
  readonly headers: Readonly<Record<string, string>>
  /** It has an answer, or has none for that reason. */
  ended(failure?: unknown): void
}

export interface RemoteLog extends AppendPort, AsyncDisposable {}

/**
 * Appends through log-writers over HTTP. What is submitted while requests are under way goes with the next one.
 *
 * It asks the first log-writer that works, moves on to the next at once when that one does not answer or cannot work, and goes back when
 * a preferred one is ready again. As every append has a key, a request whose answer was lost is simply sent again, to whichever
 * log-writer: if it had been done, the first answer comes as `repeated`.
 *
 * Disposing closes the connections: what is under way gives up its answer.
 * @throws (from `append`) besides what the port says: `invalid-json` for a payload that is none; `body-too-large`, before it is sent, for an
 *   append that no request could carry; `configuration` when a log-writer does not accept the token.
 */
export function openRemoteLog<Origin>(options: RemoteLogOptions<Origin>): RemoteLog {
  const { urls, token, patienceMs = 15_000, attemptMs = 5000, maxWaiting = 10_000, maxInFlight = 2, propagation } = options
  const open = (url: URL): LogWriterClient => openLogWriterClient(url, token, maxInFlight)
  const [preferred, ...others] = urls
  const writers = [open(preferred), ...others.map(open)] as const
  const choice = chooseWriter(writers)
  const stopped = new AbortController()
  const dispatcher = createDispatcher<Outgoing<Origin>, AppendOutcome>({
    send: batch => sendPatiently(batch),
    touches: outgoing => outgoing.touches,
    weigh: outgoing => outgoing.framed.bytes,
    maxWeight: maxRequestWeight,
    maxItems: options.maxAppendsPerRequest ?? maxAppendsPerRequest,
    maxInFlight,
    maxWaiting,
    maxWaitingWeight,
  })

  async function sendPatiently(batch: readonly Pending<Outgoing<Origin>, AppendOutcome>[]): Promise<void> {
    const body = joinFrames(batch.map(({ item }) => item.framed))
    const origins = batch.map(({ item }) => item.origin)
    const deadline = patienceMs + Math.max(...batch.map(({ since }) => since))
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const answer = await askEach(body, origins, deadline)
      if (!isArtifactError(answer)) return settle(batch, answer)
      // Not all clients at the same moment.
      const resumeAt = performance.now() + Math.max(pauseMs, retryAfterMs(answer)) * (1 + Math.random() / 4)
      for (const pending of batch) if (pending.since + patienceMs < resumeAt) pending.reject(answer)
      if (batch.every(({ settled }) => settled)) return
      await delay(resumeAt - performance.now(), undefined, { signal: stopped.signal }).catch(() =>
        stopped.signal.throwIfAborted(),
      )
    }
  }

  /** Asks each log-writer once, from the chosen one on. @returns the results, or why the last one asked has none. */
  async function askEach(
    body: Buffer,
    origins: readonly (Origin | undefined)[],
    deadline: number,
  ): Promise<readonly (AppendOutcome | ArtifactError)[] | ArtifactError> {
    let failure: ArtifactError | undefined
    for (const _ of writers) {
      const writer = choice.current()
      const timeoutMs = Math.max(leastAttemptMs, Math.min(attemptMs, deadline - performance.now()))
      const asking = propagation?.ask(writer.name, origins)
      try {
        const results = readResults(await writer.append(body, asking?.headers ?? {}, timeoutMs))
        asking?.ended()
        return results
      } catch (error) {
        asking?.ended(error)
        if (stopped.signal.aborted || !isArtifactError(error, 'log-unavailable', 'overloaded')) throw error
        failure = error
        choice.moveOn(writer)
      }
    }
    return failure ?? new ArtifactError('log-unavailable', 'there is no log-writer to ask')
  }

  return {
    async append(append, { signal } = {}) {
      return dispatcher.submit(outgoing(append, propagation?.origin()), { signal })
    },
    async [Symbol.asyncDispose]() {
      stopped.abort(new ArtifactError('log-unavailable', 'the connection to the log-writer was closed before it had answered'))
      for (const writer of writers) await writer[Symbol.asyncDispose]()
    },
  }
}

// Well below what a log-writer takes, so that no request is long under way; an append that is larger goes alone.
const maxRequestWeight = 4 * 1024 * 1024
const maxWaitingWeight = 64 * 1024 * 1024
const firstPauseMs = 20
const longestPauseMs = 500
const leastAttemptMs = 500

interface Outgoing<Origin> {
  readonly framed: FramedAppend
  readonly touches: readonly string[]
  readonly origin: Origin | undefined
}

function outgoing<Origin>(append: Append, origin: Origin | undefined): Outgoing<Origin> {
  const framed = frameAppend(append)
  if (framed.bytes > maxAppendRequestBytes - frameOverhead) {
    throw new ArtifactError(
      'body-too-large',
      `the append is ${framed.bytes} bytes long, and one may have at most ${maxAppendRequestBytes - frameOverhead}; append less at once`,
      { details: { bytes: framed.bytes, maxBytes: maxAppendRequestBytes - frameOverhead } },
    )
  }
  const subjects = new Set([
    ...append.conditions.map(({ subject }) => `${subject.kind}/${subject.id}`),
    ...append.events.map(({ subjectKind, subjectId }) => `${subjectKind}/${subjectId}`),
  ])
  return { framed, touches: [`key ${append.key}`, ...subjects], origin }
}

// What the frames of one append have around them.
const frameOverhead = 16

function settle(batch: readonly Pending<unknown, AppendOutcome>[], results: readonly (AppendOutcome | ArtifactError)[]): void {
  for (const [index, pending] of batch.entries()) {
    const result = results[index]
    if (isArtifactError(result)) pending.reject(result)
    else if (result) pending.resolve(result)
  }
}
