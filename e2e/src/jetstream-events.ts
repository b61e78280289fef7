import { connect, type JsMsg, type NatsConnection } from 'nats'
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
async function connectTo(natsUrl: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(natsUrl)
  return await connect({ servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) })
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
    data: message.json(),
  })
}
