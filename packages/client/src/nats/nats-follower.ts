import { setTimeout as delay } from 'node:timers/promises'
import { ArtifactError, type EventSelection, eventSelector } from '@artifact-store/core'
import type { StoreEvent } from '../store-event.ts'
import type { Step } from '../subscribe/step.ts'
import { attributesOf, natsEvent } from './nats-event.ts'
import { Pull, type PulledMessage } from './pull.ts'
import { type StreamApi, type StreamLook, unavailable } from './stream-api.ts'
import { subjectFilters } from './subject-filters.ts'

/** What is asked of the log itself while its copy is followed. Undefined stands for no answer just now. */
export interface LogAccess {
  /** The event of that sequence, as the log has it. */
  event(sequence: number): Promise<StoreEvent | undefined>
  /** The first event behind a position that is asked for, if there is one, and how far was looked. */
  next(after: number): Promise<{ readonly event: StoreEvent | undefined; readonly position: number } | undefined>
}

/** How long the stream may be behind, in milliseconds. */
const patienceMs = 3000
/** How long what the log has may take to come over the stream, once it was asked, in milliseconds. */
const graceMs = 3000

/**
 * Follows the copy of the log in JetStream, whose numbers are the log's. The copy is never believed where it can be checked: it is joined only
 * where it agrees with the log, every payload is proven, numbers that are missing end the following, and when it is silent for long the
 * log is asked. Whatever is wrong with it is an ArtifactError, after which the log itself has everything.
 */
export class NatsFollower {
  readonly #selection: EventSelection
  readonly #filters: readonly string[]
  readonly #log: LogAccess
  readonly #quietMs: number

  /** @param quietMs so long after the last message, in milliseconds, the log is asked whether the stream has told all of it. */
  constructor(selection: EventSelection, log: LogAccess, quietMs = 15_000) {
    this.#quietMs = Math.max(1000, quietMs)
    this.#selection = selection
    this.#filters = subjectFilters(selection)
    this.#log = log
  }

  /**
   * What comes after a position, without end; the first step says that the stream was joined. Ends when the signal aborts.
   * @throws ArtifactError `backend-unavailable` when the stream does not reach from there to the log's end, or is gone; `digest-mismatch`, `internal`;
   *   `stream-forked` when it gave what the log does not have.
   */
  async *follow(stream: StreamApi, after: number, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
    const look = await reach(stream, after, signal)
    if (!look) return
    await this.#compare(stream, look, after)
    const consumer = await stream.addConsumer(after + 1, this.#filters)
    try {
      // Made anew between the look and now, it might begin later.
      await requireWhole(stream, look, after)
      yield { position: after }
      yield* this.#read(stream, consumer, look, after, signal)
    } finally {
      // The broker forgets it by itself, but later.
      if (!stream.down.aborted) await stream.removeConsumer(consumer).catch(() => undefined)
    }
  }

  /** Where the two meet, stream and log must hold the same event. */
  async #compare(stream: StreamApi, look: StreamLook, position: number): Promise<void> {
    // It may have been dropped from the stream's beginning already.
    if (look.firstSequence > position || position === 0) return
    const inLog = await this.#log.event(position)
    if (!inLog) throw unavailable('the stream on NATS cannot be compared with the log')
    const inStream = attributesOf(await stream.headersAt(position))
    if (!isSame(inStream, inLog))
      throw unavailable(
        `the stream on NATS and the log hold different events under number ${position}: it is not a copy of this log`,
      )
  }

  async *#read(
    stream: StreamApi,
    consumer: string,
    look: StreamLook,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<Step, void, undefined> {
    using pull = new Pull(stream, consumer)
    const isSelected = eventSelector(this.#selection)
    let position = after
    // The next event that the log has and the stream still owes.
    let owed: number | undefined
    let given: StoreEvent | undefined
    for (;;) {
      const messages = await pull.next(owed === undefined ? this.#quietMs : graceMs, signal)
      if (signal.aborted) return
      // What a filter left out and what was dropped before it could be read look the same.
      if (messages.length > 0 && this.#filters.length > 0) await requireWhole(stream, look, position)
      for (const message of messages) {
        if (message.sequence <= position) continue
        if (this.#filters.length === 0 && message.sequence !== position + 1)
          throw unavailable(`the stream on NATS went on with ${message.sequence} after ${position}`)
        const event = await this.#eventOf(message)
        position = message.sequence
        given = event
        yield isSelected(selectable(event)) ? { position, event } : { position }
      }
      if (owed !== undefined && position >= owed) owed = undefined
      if (messages.length > 0) continue
      if (owed !== undefined) throw unavailable(`the stream on NATS does not tell event ${owed}, which the log has`)
      if (given && (await requireInLog(this.#log, given))) given = undefined
      const next = await this.#log.next(position)
      if (!next) continue
      if (next.event) {
        owed = Number(next.event.sequence)
      } else if (next.position > position) {
        position = next.position
        yield { position }
      }
    }
  }

  async #eventOf(message: PulledMessage): Promise<StoreEvent> {
    const { envelope, data } = natsEvent(message)
    if (data !== undefined) return { ...envelope, data }
    const inLog = await this.#log.event(message.sequence)
    if (!inLog) throw unavailable(`the payload of event ${message.sequence}, which NATS does not carry, cannot be had just now`)
    if (!isSame(envelope, inLog))
      throw unavailable(`the stream on NATS and the log hold different events under number ${message.sequence}`)
    return inLog
  }
}

/**
 * Waits until the stream has come to that position: the relay needs a moment. Undefined when the signal aborts.
 * @throws ArtifactError `backend-unavailable` when it does not within the time, or begins behind what follows the position.
 */
export async function reach(stream: StreamApi, position: number, signal: AbortSignal): Promise<StreamLook | undefined> {
  const deadline = performance.now() + patienceMs
  for (let waitMs = 5; !signal.aborted; waitMs = Math.min(250, waitMs * 2)) {
    const look = await stream.look()
    if (look.firstSequence > position + 1)
      throw unavailable(`the stream on NATS begins with ${look.firstSequence}, behind what follows ${position}`)
    if (look.lastSequence >= position) return look
    if (performance.now() > deadline) throw unavailable(`the stream on NATS is at ${look.lastSequence}, behind ${position}`)
    await delay(waitMs, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

/** The stream is the one that was looked at, and nothing behind that position is missing in it. */
async function requireWhole(stream: StreamApi, look: StreamLook, position: number): Promise<void> {
  const now = await stream.look()
  if (now.created !== look.created) throw unavailable('the stream on NATS was made anew')
  if (now.firstSequence > position + 1)
    throw unavailable(`the stream on NATS has dropped what lies between ${position} and ${now.firstSequence}`)
  if (!now.gapless) throw unavailable('the stream on NATS has holes')
}

function isSame(one: Readonly<Record<string, unknown>>, other: StoreEvent): boolean {
  return ['id', 'type', 'subject', 'time', 'actor', 'payloaddigest'].every(name => one[name] === other[name])
}

function selectable(event: StoreEvent) {
  const slash = event.subject.indexOf('/')
  return { eventType: event.type, subjectKind: event.subject.slice(0, slash), subjectId: event.subject.slice(slash + 1) }
}

/**
 * What was given over NATS must be what the log has: where it is not, this subscriber knows of things that have not happened.
 * @returns false when nothing answers just now.
 * @throws ArtifactError `stream-forked`
 */
export async function requireInLog(log: LogAccess, given: StoreEvent): Promise<boolean> {
  const inLog = await log.event(Number(given.sequence))
  if (!inLog || isSame(given, inLog)) return inLog !== undefined
  throw new ArtifactError(
    'stream-forked',
    `NATS gave another event ${given.sequence} than the log has: ${given.type} of ${given.time}, where the log has ${inLog.type} of ${inLog.time}. ` +
      'Was an older copy of the database restored?',
    { details: { sequence: Number(given.sequence) } },
  )
}
