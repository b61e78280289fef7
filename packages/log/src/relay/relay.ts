import type { RecordedEvent } from '@artifact-store/core'
import { isArtifactError } from '@artifact-store/core'
import { type Bell, createBell } from '../bell.ts'
import { headersDescribe } from '../cloud-event.ts'
import type { LogReader } from '../event-log.ts'
import { createAudit } from './audit.ts'
import { compare, type Standing, type Suspect } from './compare.ts'
import type { EventStream, Publication, StreamLook } from './event-stream.ts'
import { interruptible } from './interruptible.ts'
import { type Published, pump } from './pump.ts'
import { createReporter, type RelayStatus } from './relay-status.ts'

export interface RelayOptions {
  readonly log: LogReader<RecordedEvent>
  readonly stream: EventStream
  /** Rings when the log may have grown. */
  readonly bell: Bell
  readonly signal: AbortSignal
  /** Told of every change. */
  readonly onState?: (status: RelayStatus) => void
  /** Told of every batch that is in the stream. */
  readonly onPublished?: (published: Published) => void
  /** The most events in one batch, which is read at once and answered at once. */
  readonly batchSize?: number
  /** The most events that go to the broker before it has answered. */
  readonly window?: number
  /** The longest wait between two reads of the log, in milliseconds: the bell is a hint and may be lost. */
  readonly pollMs?: number
  /** How often the stream itself is looked at, in milliseconds: nobody rings when it is removed, purged or damaged. */
  readonly lookEveryMs?: number
}

/**
 * Keeps the stream equal to the log until the signal aborts: publishes what is missing, in order; makes the stream anew when it
 * was lost; stops publishing while the two contradict each other (`forked`), and goes on by itself once they do not. Its only
 * cursor is the stream's own last number, so it may be killed anywhere, and several relays may run: the broker refuses what
 * another one has published already.
 *
 * A stream that is made anew has lost its consumers; whoever resumes by sequence finds the same numbers as before.
 */
export async function runRelay(options: RelayOptions): Promise<void> {
  const { stream, bell, signal, batchSize = 512, window = 4096, pollMs = 1000, lookEveryMs = 5000 } = options
  const log = interruptible(options.log, signal)
  const report = createReporter(options.onState)
  const audit = createAudit({ log, stream })
  let setbacks = 0
  let suspect: Suspect | undefined
  /** More of the stream is read after what may have done it harm. */
  let stretches = manyStretches
  let auditTrouble: string | undefined
  /** Behind this number something was not taken: what is there may be another relay's. */
  let doubtfulAt: number | undefined

  while (!signal.aborted) {
    try {
      const found = await compare({ log, stream, suspect, signal })
      const acquitted = suspect !== undefined && found.standing === 'in-step'
      switch (found.standing) {
        case 'forked':
          report({
            state: 'forked',
            streamSequence: found.streamSequence,
            logSequence: found.logSequence,
            message: found.message,
          })
          await pause(lookEveryMs, signal)
          break
        case 'lost':
          suspect = undefined
          await stream.replace(found.seen, found.firstSequence)
          report({ state: 'relaying', streamSequence: found.firstSequence - 1 })
          // Another relay may be doing the same.
          await setback()
          break
        case 'in-step':
          suspect = found.suspect ?? (await suspectOfDoubtful(found.seen))
          if (suspect?.missed === 0) break
          // What was acquitted just now would be suspected again by the same copy that lags behind.
          await follow(found, { auditing: !acquitted })
      }
    } catch (cause) {
      // Whatever broke, broker or database: the events are safe in the log, and the stream will say where to go on.
      if (signal.aborted) return
      report({ state: 'disconnected', message: messageOf(cause), cause })
      stretches = manyStretches
      await setback()
    }
  }

  /** Publishes what comes behind, until it is time to look at the stream again. */
  async function follow(found: InStep, { auditing }: { auditing: boolean }): Promise<void> {
    const until = new AbortController()
    const over = new AbortController()
    let position = found.after
    const relaying = () =>
      report({
        state: 'relaying',
        streamSequence: position,
        logSequence: Math.max(found.logSequence, position),
        message: auditTrouble,
      })
    relaying()
    const watching = watch(found.seen, auditing, AbortSignal.any([signal, over.signal])).finally(() => until.abort())
    let end: Publication | undefined
    try {
      end = await pump({
        ...{ log, stream, bell, pollMs, batchSize, window, signal },
        after: position,
        isInStream: event => !found.seen.lastHeaders || headersDescribe(found.seen.lastHeaders, event),
        until: until.signal,
        onPublished(published) {
          setbacks = 0
          position = published.lastSequence
          options.onPublished?.(published)
          relaying()
        },
      })
    } finally {
      if (end !== 'accepted') doubtfulAt = position
      over.abort()
      await watching
    }
    // Another relay is at work, most likely.
    if (end === 'refused') await setback()
  }

  /** Where relays were in each other's way, the stream may have some from each: only if they have one log are they the same. */
  async function suspectOfDoubtful(seen: StreamLook): Promise<Suspect | undefined> {
    if (doubtfulAt === undefined) return undefined
    const [from, to] = [doubtfulAt - window, doubtfulAt + window]
    doubtfulAt = undefined
    return suspectOf(() => audit.between(seen, from, to, signal), signal)
  }

  /** Audits some of the stream beside the publishing, which it does not hold up. Returns when it is time to look again. */
  async function watch(seen: StreamLook, auditing: boolean, over: AbortSignal): Promise<void> {
    const lookAt = performance.now() + lookEveryMs
    if (auditing) {
      suspect = await suspectOf(() => audit.some(seen, stretches, over), over)
      stretches = fewStretches
      if (suspect) return
    }
    await pause(Math.max(0, lookAt - performance.now()), over)
  }

  /** An audit that cannot be made is told of, and keeps no event from being published. */
  async function suspectOf(work: () => Promise<number | undefined>, over: AbortSignal): Promise<Suspect | undefined> {
    try {
      const sequence = await work()
      auditTrouble = undefined
      return sequence === undefined || over.aborted ? undefined : { sequence, missed: 0 }
    } catch (error) {
      if (!over.aborted) auditTrouble = `the stream could not be audited: ${messageOf(error)}`
      return undefined
    }
  }

  /** Longer each time, up to a second, and uneven: of two relays the faster goes on, and the other takes over when it dies. */
  async function setback(): Promise<void> {
    setbacks += 1
    await pause(Math.min(1000, 20 * 2 ** setbacks) * (0.5 + Math.random() / 2), signal)
  }
}

type InStep = Extract<Standing, { standing: 'in-step' }>

const manyStretches = 16
const fewStretches = 2

/** The event stream throws only ArtifactErrors; what else there is comes from the database. */
function messageOf(error: unknown): string {
  if (isArtifactError(error)) return error.message
  return `the log cannot be read: ${error instanceof Error ? error.message : String(error)}. The relay tries again`
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return createBell().wait(0, ms, signal)
}
