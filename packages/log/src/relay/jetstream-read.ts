import { randomUUID } from 'node:crypto'
import {
  AckPolicy,
  createInbox,
  DeliverPolicy,
  type JetStreamManager,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type StreamInfo,
} from 'nats'
import type { MessageHeaders, StreamLook } from './event-stream.ts'
import { ignoring, jetStreamError } from './jetstream-error.ts'

/** What a stream says of itself, but for its last message. */
export function describe({ created, config, state }: StreamInfo): Omit<StreamLook, 'lastHeaders'> {
  const thinned = config.max_msgs_per_subject > 0
  return {
    incarnation: String(created),
    // A stream that holds nothing may say 0.
    firstSequence: state.messages > 0 ? state.first_seq : state.last_seq + 1,
    lastSequence: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
    limited: thinned || config.max_msgs > 0 || config.max_bytes > 0 || config.max_age > 0,
    thinned,
  }
}

/** Answered by the stream's leader, so never by a copy that lags behind. */
export async function headersAt(
  manager: JetStreamManager,
  stream: string,
  sequence: number,
): Promise<MessageHeaders | undefined> {
  if (sequence === 0) return undefined
  const message = await ignoring(jetStreamError.noMessageFound, manager.streams.getMessage(stream, { seq: sequence }))
  return message && lowerCased(message.header)
}

/** By a consumer that is gone again afterwards: the bodies stay where they are. */
export async function headersBetween(
  connection: NatsConnection,
  { stream, from, to, timeoutMs }: { stream: string; from: number; to: number; timeoutMs: number },
): Promise<ReadonlyMap<number, MessageHeaders>> {
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: timeoutMs })
  const { name } = await manager.consumers.add(stream, {
    name: `relay-audit-${randomUUID()}`,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    ack_policy: AckPolicy.None,
    headers_only: true,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: inactiveNs,
  })
  try {
    const found = new Map<number, MessageHeaders>()
    // Where messages are missing it goes on behind them.
    for (const { reply, headers } of await pull(connection, { stream, consumer: name, count: to - from + 1, timeoutMs })) {
      const sequence = streamSequenceOf(reply ?? '')
      if (sequence <= to && headers) found.set(sequence, lowerCased(headers))
    }
    return found
  } finally {
    await manager.consumers.delete(stream, name).catch(() => undefined)
  }
}

const inactiveNs = 10_000_000_000

/** What the consumer has now, so many at most. One request: the client's own pulling keeps a heart beating and says so when it stops. */
async function pull(
  connection: NatsConnection,
  { stream, consumer, count, timeoutMs }: { stream: string; consumer: string; count: number; timeoutMs: number },
): Promise<readonly Msg[]> {
  const inbox = createInbox()
  const messages: Msg[] = []
  const answers = connection.subscribe(inbox)
  const late = setTimeout(() => answers.unsubscribe(), timeoutMs)
  try {
    const request = JSON.stringify({ batch: count, no_wait: true })
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: inbox })
    for await (const message of answers) {
      // A status of its own says that there is no more.
      if (message.headers?.code) break
      messages.push(message)
      if (messages.length === count) break
    }
  } finally {
    clearTimeout(late)
    answers.unsubscribe()
  }
  return messages
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>…`, in later servers with domain and account before the stream. */
function streamSequenceOf(reply: string): number {
  const tokens = reply.split('.')
  return Number(tokens[tokens.length > 9 ? 7 : 5])
}

function lowerCased(headers: MsgHdrs): MessageHeaders {
  return Object.fromEntries(headers.keys().map(key => [key.toLowerCase(), headers.get(key)]))
}
