import { type ConnectionOptions, connect, type JsMsg, type NatsConnection } from 'nats'
import { eventually } from './eventually.ts'
import { type Follower, follow } from './follower.ts'
import { type SeenEvent, seenEvent } from './seen-event.ts'

/** The stream's own name, as subscribers are told. */
const streamName = 'ARTIFACT_STORE_EVENTS'

/** Follows the event stream from its first message on with an ordered consumer, as any subscriber of the broker would. */
export async function followJetStream(natsUrl: string): Promise<Follower> {
  const connection = await connectTo(natsUrl)
  const consumer = await eventually('the event stream is there', () =>
    connection
      .jetstream()
      .consumers.get(streamName)
      .catch(() => undefined),
  )
  const messages = await consumer.consume()
  const follower = follow(async function* (signal) {
    signal.addEventListener('abort', () => messages.stop(), { once: true })
    for await (const message of messages) yield eventOf(message)
  })
  return {
    upTo: sequence => follower.upTo(sequence),
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]()
      await connection.close()
    },
  }
}

/** The numbers of the stream's first and last message and how many there are. */
export async function streamState(natsUrl: string): Promise<{ first: number; last: number; messages: number }> {
  const connection = await connectTo(natsUrl)
  try {
    const manager = await connection.jetstreamManager()
    const { state } = await manager.streams.info(streamName)
    return { first: state.first_seq, last: state.last_seq, messages: state.messages }
  } finally {
    await connection.close()
  }
}

/** The credentials stand in the URL that the launcher keeps; the client wants them apart. */
async function connectTo(natsUrl: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const { host, username, password } = new URL(natsUrl)
  return await connect({ ...options, servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) })
}

/**
 * One connection to the event stream, from behind `after` on: ends when it breaks, and when nothing has come for a while, as a consumer
 * is not always told that its stream is another one now.
 */
export async function* readJetStream(
  natsUrl: string,
  after: number,
  { signal, longestSilenceMs = 2000 }: { signal?: AbortSignal; longestSilenceMs?: number } = {},
): AsyncGenerator<SeenEvent> {
  const connection = await connectTo(natsUrl, { timeout: 2000, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
  try {
    const consumer = await connection.jetstream().consumers.get(streamName, { opt_start_seq: after + 1 })
    const messages = await consumer.consume()
    const end = () => messages.stop()
    const idle = setTimeout(end, longestSilenceMs)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
    try {
      for await (const message of messages) {
        idle.refresh()
        yield eventOf(message)
      }
    } finally {
      clearTimeout(idle)
      signal?.removeEventListener('abort', end)
    }
  } finally {
    await connection.close()
  }
}

/** CloudEvents 1.0 in binary mode. The number is the broker's own, not the one that the header says: `seenEvent` compares the two. */
function eventOf(message: JsMsg): SeenEvent {
  const header = (name: string) => decodeURIComponent(message.headers?.get(name) ?? '')
  return seenEvent({
    specversion: header('ce-specversion'),
    id: header('ce-id'),
    type: header('ce-type'),
    subject: header('ce-subject'),
    time: header('ce-time'),
    sequence: String(message.seq),
    subjectrevision: Number(header('ce-subjectrevision')),
    actor: header('ce-actor'),
    payloaddigest: header('ce-payloaddigest'),
    // A payload that is too large for the broker stays in the log, and the message says where.
    data: message.data.length === 0 ? undefined : message.json(),
  })
}
