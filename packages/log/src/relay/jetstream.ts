import { ArtifactError, type RecordedEvent } from '@artifact-store/core'
import type { JetStreamManager, Msg, NatsConnection, StreamConfig } from 'nats'
import { z } from 'zod'
import { defaultSubjectPrefix } from '../cloud-event.ts'
import { connectedBroker, dialledBroker } from './broker.ts'
import type { EventStream, Publication } from './event-stream.ts'
import { freshConfig, refuseForeign, type StreamLimits } from './jetstream-config.ts'
import { ignoring, jetStreamError } from './jetstream-error.ts'
import { describe, headersAt, headersBetween } from './jetstream-read.ts'
import { joined, type NatsMessage, natsMessageWriter } from './nats-message.ts'
import { createOutlet, type NatsOutlet } from './nats-outlet.ts'

export type JetStreamOptions = {
  /** The `source` of the CloudEvents: a URI reference that names the registry. */
  readonly source: string
  readonly streamName?: string | undefined
  readonly subjectPrefix?: string | undefined
  /** Where an event is in the trace of whoever appended it, if that is known: its message says so (CloudEvents' extension for tracing). */
  readonly traceparentOf?: ((sequence: number) => string | undefined) | undefined
  /** How many servers of the cluster hold the stream. */
  readonly replicas?: number | undefined
  readonly limits?: StreamLimits | undefined
  /** How long an answer of the broker may take, in milliseconds. */
  readonly timeoutMs?: number | undefined
} & (
  | {
      /** Stays open when the stream is disposed of. It should reconnect without end (`maxReconnectAttempts: -1`). */
      readonly connection: NatsConnection
    }
  | {
      /** Connected to at the first look; a broker that is not there yet is tried again at the next. */
      readonly url: string
    }
)

export const defaultStreamName = 'ARTIFACT_STORE_EVENTS'

/**
 * The event stream in JetStream (NATS 2.10 or later): CloudEvents in binary mode, one message an event, the stream's sequence being the log's.
 * Publishing needs no message ids: those are remembered for a window of time and answer a repeat as a success, whereas the
 * expected last sequence refuses a repeat for ever and says so.
 */
export function openJetStream(options: JetStreamOptions): EventStream & AsyncDisposable {
  const { source, streamName: name = defaultStreamName, subjectPrefix = defaultSubjectPrefix, timeoutMs = 5000 } = options
  const shape = { name, subjectPrefix, replicas: options.replicas ?? 1, limits: options.limits ?? {} }
  const broker = 'connection' in options ? connectedBroker(options.connection) : dialledBroker(options.url, timeoutMs)
  const write = natsMessageWriter({ source, subjectPrefix, traceparentOf: options.traceparentOf })
  /** The largest message that the stream takes; the broker's own limit is on the connection. */
  let largestInStream = Number.POSITIVE_INFINITY
  let lastConfig: StreamConfig | undefined
  let outlet: NatsOutlet | undefined

  return {
    name,
    keeps: shape.limits.maxMessages ?? Number.POSITIVE_INFINITY,

    look: signal =>
      broker.ask(async connection => {
        const manager = await managerOf(connection)
        const info = await ignoring(jetStreamError.streamNotFound, manager.streams.info(name))
        if (!info) return undefined
        refuseForeign(info, shape)
        lastConfig = info.config
        largestInStream = info.config.max_msg_size > 0 ? info.config.max_msg_size : Number.POSITIVE_INFINITY
        return { ...describe(info), lastHeaders: await headersAt(manager, name, info.state.last_seq) }
      }, signal),

    headersAt: (sequence, signal) =>
      broker.ask(async connection => headersAt(await managerOf(connection), name, sequence), signal),

    headersBetween: (from, to, signal) =>
      broker.ask(connection => headersBetween(connection, { stream: name, from, to, timeoutMs }), signal),

    replace: (seen, firstSequence) =>
      broker.ask(async connection => {
        const manager = await managerOf(connection)
        if (seen) {
          const now = await ignoring(jetStreamError.streamNotFound, manager.streams.info(name))
          // Not the one that was looked at: another relay was here first.
          if (now && String(now.created) !== seen.incarnation) return
          if (now) await ignoring(jetStreamError.streamNotFound, manager.streams.delete(name))
        }
        const config = { ...(seen && lastConfig ? lastConfig : freshConfig(shape)), first_seq: firstSequence }
        await ignoring(jetStreamError.nameTaken, manager.streams.add(config))
      }),

    publish: (events, signal) =>
      broker.ask(async connection => {
        const to = outletOf(connection)
        const largest = Math.min(connection.info?.max_payload ?? Number.POSITIVE_INFINITY, largestInStream)
        const [first, last] = [events[0], events.at(-1)]
        const asked: [RecordedEvent, Promise<Msg>][] = []
        const messages: NatsMessage[] = []
        // Each message is refused unless its number is the next one, so with the first and the last all are in the stream. Were the last one
        // asked alone, then another relay might be the one that had published what is before it.
        for (const event of events) {
          const expected = event === first || event === last ? to.expectAnswer(timeoutMs) : undefined
          if (expected) asked.push([event, expected.answer])
          messages.push(write(event, expected?.reply, largest))
        }
        to.send(joined(messages))
        const outcomes = await Promise.all(asked.map(async ([event, answer]) => publication(await answer, event, name)))
        return outcomes.every(outcome => outcome === 'accepted') ? 'accepted' : 'refused'
      }, signal),

    async [Symbol.asyncDispose]() {
      outlet?.[Symbol.dispose]()
      await broker.close()
    },
  }

  function outletOf(connection: NatsConnection): NatsOutlet {
    if (outlet?.connection !== connection) outlet = createOutlet(connection)
    return outlet
  }

  function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
    return connection.jetstreamManager({ checkAPI: false, timeout: timeoutMs })
  }
}

const publishAnswer = z.object({
  error: z.object({ err_code: z.number().optional(), description: z.string().default('no reason given') }).optional(),
})

function publication(answer: Msg, { sequence }: RecordedEvent, stream: string): Publication {
  const { error } = publishAnswer.parse(answer.json())
  if (!error) return 'accepted'
  if (error.err_code === jetStreamError.wrongLastSequence) return 'refused'
  throw new ArtifactError('backend-unavailable', `the stream ${stream} does not take event ${sequence}: ${error.description}`)
}
