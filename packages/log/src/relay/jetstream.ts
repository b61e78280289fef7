import { ArtifactError } from '@artifact-store/core'
import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats'
import { z } from 'zod'
import { defaultSubjectPrefix, natsSubject } from '../cloud-event.ts'
import { connectedBroker, dialledBroker } from './broker.ts'
import type { EventStream, StreamLook } from './event-stream.ts'
import { natsMessage } from './nats-message.ts'

/** What a stream that is made here keeps; what is left out does not limit. An existing stream keeps the limits that it has. */
export interface StreamLimits {
  readonly maxMessages?: number | undefined
  readonly maxBytes?: number | undefined
  readonly maxAgeMs?: number | undefined
}

export type JetStreamOptions = {
  /** The `source` of the CloudEvents: a URI reference that names the registry. */
  readonly source: string
  readonly streamName?: string | undefined
  readonly subjectPrefix?: string | undefined
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
  const {
    source,
    streamName: name = defaultStreamName,
    subjectPrefix = defaultSubjectPrefix,
    replicas = 1,
    limits = {},
    timeoutMs = 5000,
  } = options
  const broker = 'connection' in options ? connectedBroker(options.connection) : dialledBroker(options.url, timeoutMs)
  /** The largest message that the stream takes; the broker's own limit is on the connection. */
  let largestInStream = Number.POSITIVE_INFINITY
  let lastConfig: StreamConfig | undefined

  return {
    name,
    keeps: limits.maxMessages ?? Number.POSITIVE_INFINITY,

    look: signal =>
      broker.ask(async connection => {
        const manager = await managerOf(connection)
        const info = await ignoring(errorCodes.streamNotFound, manager.streams.info(name))
        if (!info) return undefined
        refuseForeign(info)
        lastConfig = info.config
        largestInStream = info.config.max_msg_size > 0 ? info.config.max_msg_size : Number.POSITIVE_INFINITY
        return { ...describe(info), lastHeaders: await headersAt(manager, info.state.last_seq) }
      }, signal),

    replace: (seen, firstSequence) =>
      broker.ask(async connection => {
        const manager = await managerOf(connection)
        if (seen) {
          const now = await ignoring(errorCodes.streamNotFound, manager.streams.info(name))
          // Not the one that was looked at: another relay was here first.
          if (now && String(now.created) !== seen.incarnation) return
          if (now) await ignoring(errorCodes.streamNotFound, manager.streams.delete(name))
        }
        const config = { ...(seen && lastConfig ? lastConfig : freshConfig()), first_seq: firstSequence }
        await ignoring(errorCodes.nameTaken, manager.streams.add(config))
      }),

    publish: (events, signal) =>
      broker.ask(async connection => {
        const last = events.at(-1) ?? events[0]
        const largest = Math.min(connection.info?.max_payload ?? Number.POSITIVE_INFINITY, largestInStream)
        // Each message is refused unless the one before it was taken, so the answer to the last one speaks for all.
        for (const event of events) {
          if (event === last) break
          const { headers, body } = natsMessage(event, source, largest)
          connection.publish(natsSubject(event, subjectPrefix), body, { headers })
        }
        const { headers, body } = natsMessage(last, source, largest)
        const answer = await connection.request(natsSubject(last, subjectPrefix), body, { headers, timeout: timeoutMs })
        const { error } = publishAnswer.parse(answer.json())
        if (!error) return 'accepted'
        if (error.err_code === errorCodes.wrongLastSequence) return 'refused'
        throw new ArtifactError(
          'backend-unavailable',
          `the stream ${name} does not take event ${last.sequence}: ${error.description}`,
        )
      }, signal),

    [Symbol.asyncDispose]: () => broker.close(),
  }

  function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
    return connection.jetstreamManager({ checkAPI: false, timeout: timeoutMs })
  }

  function freshConfig() {
    return {
      name,
      description: 'A copy of the event log of artifact-store; refilled from it when lost',
      subjects: [`${subjectPrefix}.>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
      deny_delete: true,
      allow_direct: true,
      max_msgs: limits.maxMessages ?? -1,
      max_bytes: limits.maxBytes ?? -1,
      max_age: (limits.maxAgeMs ?? 0) * 1_000_000,
      // The broker's `max_payload` decides, so that raising that is enough.
      max_msg_size: -1,
    }
  }

  function refuseForeign({ config }: StreamInfo): void {
    if (config.retention === RetentionPolicy.Limits && config.subjects.includes(`${subjectPrefix}.>`)) return
    throw new ArtifactError(
      'configuration',
      `the stream ${name} was made for something else (subjects ${config.subjects.join(', ') || 'none'}, retention ${config.retention}); ` +
        `it should have the subject ${subjectPrefix}.> and the retention limits: remove it or configure another stream name`,
    )
  }

  async function headersAt(manager: JetStreamManager, sequence: number): Promise<Record<string, string> | undefined> {
    if (sequence === 0) return undefined
    const message = await ignoring(errorCodes.noMessageFound, manager.streams.getMessage(name, { seq: sequence }))
    return message && Object.fromEntries(message.header.keys().map(key => [key.toLowerCase(), message.header.get(key)]))
  }
}

const errorCodes = { streamNotFound: 10059, noMessageFound: 10037, nameTaken: 10058, wrongLastSequence: 10071 } as const

const publishAnswer = z.object({
  error: z.object({ err_code: z.number().optional(), description: z.string().default('no reason given') }).optional(),
})

function describe({ created, config, state }: StreamInfo): Omit<StreamLook, 'lastHeaders'> {
  // With a limit of its own a stream may rightly have lost its beginning.
  const limited = config.max_msgs > 0 || config.max_bytes > 0 || config.max_age > 0 || config.max_msgs_per_subject > 0
  return { incarnation: String(created), lastSequence: state.last_seq, complete: limited || state.messages === state.last_seq }
}

/** Undefined in place of that one JetStream error. */
async function ignoring<T>(errorCode: number, promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === errorCode) return undefined
    throw error
  }
}
