import { ArtifactError } from '@artifact-store/core'
import { ErrorCode, type Msg, type MsgHdrs, MsgHdrsImpl, type NatsConnection, NatsError, nuid } from 'nats'
import { z } from 'zod'

/** The stream that holds the log on the broker. */
const streamName = 'ARTIFACT_STORE_EVENTS'

/** What a look at the stream shows. */
export interface StreamLook {
  /** Tells this stream from a later one of its name. */
  readonly created: string
  /** The first sequence that it can still give; one more than the last when it holds nothing. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** Whether nothing is missing between these two. */
  readonly gapless: boolean
}

/** How long an answer of the broker may take, in milliseconds. */
const timeoutMs = 5000
/** The same for a last word: whoever ends does not want to wait. */
const partingMs = 1000
/** A consumer that nobody asks for messages for so long, in milliseconds, is removed by the broker. */
const abandonedMs = 120_000

/**
 * What a subscriber asks of JetStream. Every call throws ArtifactError `backend-unavailable` when the broker does not answer,
 * refuses, or has no such thing.
 */
export class StreamApi {
  readonly connection: NatsConnection
  /** Aborts when the connection is lost, which ends every call at once. */
  readonly down: AbortSignal

  constructor(connection: NatsConnection, down: AbortSignal) {
    this.connection = connection
    this.down = down
  }

  async look(): Promise<StreamLook> {
    const { created, state } = await this.#ask(`STREAM.INFO.${streamName}`, {}, streamInfo)
    const { last_seq: lastSequence, messages } = state
    const firstSequence = messages > 0 ? state.first_seq : lastSequence + 1
    return { created, firstSequence, lastSequence, gapless: messages === lastSequence - firstSequence + 1 }
  }

  /** The headers of one message. */
  async headersAt(sequence: number): Promise<MsgHdrs> {
    const { message } = await this.#ask(`STREAM.MSG.GET.${streamName}`, { seq: sequence }, storedMessage)
    return MsgHdrsImpl.decode(Buffer.from(message.hdrs, 'base64'))
  }

  /** Makes a consumer for one reader, which keeps nothing and asks for no acknowledgement. @returns its name. */
  async addConsumer(firstSequence: number, filters: readonly string[]): Promise<string> {
    const name = `artifact-store-${nuid.next()}`
    const config = {
      name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: firstSequence,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: abandonedMs * 1_000_000,
      ...(filters.length > 0 ? { filter_subjects: filters } : {}),
    }
    const request = { stream_name: streamName, config, action: 'create' }
    await this.#ask(`CONSUMER.CREATE.${streamName}.${name}`, request, z.looseObject({}))
    return name
  }

  async removeConsumer(name: string): Promise<void> {
    await this.#ask(`CONSUMER.DELETE.${streamName}.${name}`, {}, z.looseObject({}), partingMs)
  }

  /** Asks for messages, which come to `reply`. */
  requestNext(consumer: string, reply: string, request: object): void {
    this.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${streamName}.${consumer}`, JSON.stringify(request), { reply })
  }

  async #ask<Schema extends z.ZodType>(
    subject: string,
    request: object,
    schema: Schema,
    timeout = timeoutMs,
  ): Promise<z.output<Schema>> {
    const answer = await this.#request(`$JS.API.${subject}`, JSON.stringify(request), timeout)
    const { error } = refusal.parse(answer.json())
    if (error) throw unavailable(`NATS refuses: ${error.description}`)
    return schema.parse(answer.json())
  }

  /** Ends with the connection: a request that waits for a broker which has gone would wait for its whole time. */
  async #request(subject: string, body: string, timeout: number): Promise<Msg> {
    const { promise: lost, reject } = Promise.withResolvers<never>()
    const stop = () => reject(unavailable('the connection to NATS was lost'))
    this.down.addEventListener('abort', stop, { once: true })
    try {
      if (this.down.aborted) stop()
      return await Promise.race([this.connection.request(subject, body, { timeout }), lost])
    } catch (error) {
      throw error instanceof NatsError ? unavailable(reason(error), error) : error
    } finally {
      this.down.removeEventListener('abort', stop)
    }
  }
}

export function unavailable(what: string, cause?: unknown): ArtifactError {
  return new ArtifactError('backend-unavailable', `${what}. Events come from the gateway meanwhile`, { cause })
}

function reason(error: NatsError): string {
  switch (error.code) {
    case ErrorCode.Timeout:
      return 'NATS did not answer in time, or its login may not ask for this'
    case ErrorCode.NoResponders:
      return 'NATS has no JetStream for this login'
    default:
      return `NATS cannot be asked: ${error.message}`
  }
}

const refusal = z.looseObject({ error: z.looseObject({ description: z.string().default('no reason given') }).optional() })
const streamInfo = z.looseObject({
  created: z.string(),
  state: z.looseObject({ first_seq: z.int(), last_seq: z.int(), messages: z.int() }),
})
const storedMessage = z.looseObject({ message: z.looseObject({ hdrs: z.string().default('') }) })
