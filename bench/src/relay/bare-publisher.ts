import { defaultStreamName } from '@artifact-store/log'
import { headers, type Msg, type MsgHdrs, MsgHdrsImpl, type NatsConnection } from 'nats'
import type { Measurement } from '../harness/bench.ts'
import { percentile } from '../harness/callers.ts'

/** A message that the relay has made, read back from the stream: all of it is in memory. */
export interface MadeMessage {
  readonly subject: string
  readonly headers: MsgHdrs
  readonly body: Uint8Array
}

/** The stream's messages, in order, with the headers that the relay gave them. */
export async function readMessages(connection: NatsConnection, count: number): Promise<MadeMessage[]> {
  const consumer = await connection.jetstream().consumers.get(defaultStreamName)
  const made: MadeMessage[] = []
  for await (const message of await consumer.consume({ max_messages: 2000 })) {
    const own = headers()
    for (const [name, values] of message.headers ?? []) for (const value of values) own.append(name, value)
    made.push({ subject: message.subject, headers: own, body: Uint8Array.from(message.data) })
    if (made.length === count) break
  }
  return made
}

/** The same messages, their headers as bytes: nothing is left to the client but to send them. */
export function withWrittenHeaders(messages: readonly MadeMessage[]): MadeMessage[] {
  return messages.map(message => ({ ...message, headers: new WrittenHeaders(message.headers) }))
}

class WrittenHeaders extends MsgHdrsImpl {
  readonly #bytes: Uint8Array

  constructor(made: MsgHdrs) {
    super()
    if (!(made instanceof MsgHdrsImpl)) throw new Error('the client has other headers than it had')
    this.#bytes = made.encode()
  }

  override encode(): Uint8Array {
    return this.#bytes
  }
}

/**
 * Publishes them as fast as the client and the server can, and knows that all are there: the server is asked to answer each
 * `batch`th message, and never has more than `window` without an answer.
 */
export async function publishBare(
  connection: NatsConnection,
  messages: readonly MadeMessage[],
  { window, batch }: { window: number; batch: number },
): Promise<Measurement> {
  const begun = performance.now()
  const latencies: number[] = []
  const answers: Promise<void>[] = []
  for (let start = 0; start < messages.length; start += batch) {
    const handed = performance.now()
    const part = messages.slice(start, start + batch)
    const last = part.at(-1)
    for (const message of part) if (message !== last) connection.publish(message.subject, message.body, message)
    if (last) {
      const answer = connection.request(last.subject, last.body, { headers: last.headers, timeout: 10_000 })
      answers.push(answer.then(requireTaken).then(() => void latencies.push(performance.now() - handed)))
    }
    if (answers.length >= window / batch) await answers.shift()
  }
  await Promise.all(answers)
  const elapsed = (performance.now() - begun) / 1000
  latencies.sort((a, b) => a - b)
  return {
    eventsPerSecond: messages.length / elapsed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }
}

function requireTaken(answer: Msg): void {
  const { error } = answer.json<{ error?: { description: string } }>()
  if (error) throw new Error(`the server did not take it: ${error.description}`)
}
