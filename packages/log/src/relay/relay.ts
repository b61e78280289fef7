import { isArtifactError, type StoredEvent } from '@artifact-store/core'
import { type Bell, createBell } from '../bell.ts'
import type { LogReader } from '../event-log.ts'
import { compare } from './compare.ts'
import type { EventStream } from './event-stream.ts'

/** Where the relay is. `message` says what is wrong and what to do, `cause` holds the error behind it. */
export interface RelayStatus {
  readonly state: 'starting' | 'relaying' | 'disconnected' | 'forked'
  /** The stream's last number, as far as known. */
  readonly streamSequence: number
  /** The log's last sequence, as far as known. */
  readonly logSequence: number
  readonly message?: string | undefined
  readonly cause?: unknown
}

export interface RelayOptions {
  readonly log: LogReader
  readonly stream: EventStream
  /** Rings when the log may have grown. */
  readonly bell: Bell
  readonly signal: AbortSignal
  /** Told of every change. */
  readonly onState?: (status: RelayStatus) => void
  /** The most events that go to the broker before it has answered; also one page of the log. */
  readonly batchSize?: number
  /** The longest wait between two reads of the log, in milliseconds: the bell is a hint and may be lost. */
  readonly pollMs?: number
  /** How often the stream itself is looked at, in milliseconds: nobody rings when it is removed or purged. */
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
  const { log, stream, bell, signal, batchSize = 512, pollMs = 1000, lookEveryMs = 5000 } = options
  const report = createReporter(options.onState)
  let setbacks = 0
  let pageSize = smallPage

  while (!signal.aborted) {
    try {
      const found = await compare(log, stream, signal)
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
          await stream.replace(found.seen, found.firstSequence)
          report({ state: 'relaying', streamSequence: found.firstSequence - 1 })
          // Another relay may be doing the same.
          await setback()
          break
        case 'in-step':
          report({ state: 'relaying', streamSequence: found.after, logSequence: found.logSequence })
          await follow(found.after)
      }
    } catch (cause) {
      // Whatever broke, broker or database: the events are safe in the log, and the stream will say where to go on.
      if (signal.aborted) return
      report({ state: 'disconnected', message: messageOf(cause), cause })
      await setback()
    }
  }

  /** Publishes what comes behind `after`, until it is time to look at the stream again. */
  async function follow(after: number): Promise<void> {
    const lookAt = performance.now() + lookEveryMs
    let position = after
    let known = bell.count
    let page = await log.fetchSince(position, pageSize)
    while (!signal.aborted && performance.now() < lookAt) {
      const [first, ...others] = page
      if (!first) {
        await bell.wait(known, Math.min(pollMs, Math.max(1, lookAt - performance.now())), signal)
        known = bell.count
        page = await log.fetchSince(position, pageSize)
        continue
      }
      known = bell.count
      pageSize = nextPageSize(page, batchSize)
      const last = page.at(-1) ?? first
      const [outcome, next] = await Promise.all([
        stream.publish([first, ...others], signal),
        log.fetchSince(last.sequence, pageSize),
      ])
      // Another relay is at work, most likely.
      if (outcome === 'refused') return setback()
      setbacks = 0
      position = last.sequence
      page = next
      report({ state: 'relaying', streamSequence: position, logSequence: page.at(-1)?.sequence ?? position })
    }
  }

  /** Longer each time, up to a second, and uneven: of two relays the faster goes on, and the other takes over when it dies. */
  async function setback(): Promise<void> {
    setbacks += 1
    // One event goes alone, so that the broker's answer is to that one and not to what came behind it.
    pageSize = 1
    await pause(Math.min(1000, 20 * 2 ** setbacks) * (0.5 + Math.random() / 2), signal)
  }
}

const smallPage = 16
const pageBytes = 4 * 1024 * 1024

/** Twice as many events each time, and as many as make a few megabytes: some payloads are large, and a page is held in memory. */
function nextPageSize(page: readonly StoredEvent[], batchSize: number): number {
  const bytes = page.reduce((sum, event) => sum + event.payloadJson.length, 1)
  return Math.max(1, Math.min(batchSize, page.length * 2, Math.floor((pageBytes * page.length) / bytes)))
}

/** The event stream throws only ArtifactErrors; what else there is comes from the database. */
function messageOf(error: unknown): string {
  if (isArtifactError(error)) return error.message
  return `the log cannot be read: ${error instanceof Error ? error.message : String(error)}. The relay tries again`
}

type Change = Pick<RelayStatus, 'state' | 'message' | 'cause'> & Partial<Pick<RelayStatus, 'streamSequence' | 'logSequence'>>

/** Passes a change on if it is one; numbers that it leaves out stay as they were. */
function createReporter(onState: RelayOptions['onState']): (change: Change) => void {
  let status: RelayStatus = { state: 'starting', streamSequence: 0, logSequence: 0 }
  onState?.(status)
  return change => {
    const { streamSequence = status.streamSequence, logSequence = status.logSequence } = change
    const next: RelayStatus = { ...change, streamSequence, logSequence: Math.max(logSequence, status.logSequence) }
    const same =
      next.state === status.state &&
      next.message === status.message &&
      streamSequence === status.streamSequence &&
      next.logSequence === status.logSequence
    status = next
    if (!same) onState?.(status)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return createBell().wait(0, ms, signal)
}
