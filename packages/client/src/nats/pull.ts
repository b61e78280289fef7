import { createInbox, type Msg, type Subscription } from 'nats'
import { type StreamApi, unavailable } from './stream-api.ts'

/** A message of the stream, under the number that the stream gave it. */
export interface PulledMessage {
  readonly sequence: number
  readonly message: Msg
}

/** The most messages, and bytes of them, that lie here unread. */
const batchMessages = 512
const batchBytes = 4 * 1024 * 1024
/** The broker says at least so often, in milliseconds, that a request is still known to it. */
const heartbeatMs = 5000

/**
 * Pulls messages from a consumer: one request at a time, and the next only when all of the last one were taken, so that a slow reader holds
 * no more than one batch. The consumer's own numbers have no holes, and a hole in what arrives here is an error.
 */
export class Pull implements Disposable {
  readonly #stream: StreamApi
  readonly #consumer: string
  readonly #inbox: string
  readonly #subscription: Subscription
  #received: PulledMessage[] = []
  /** How many messages the open request may still bring; 0 when none is open. */
  #expected = 0
  #requests = 0
  #lastDelivered = 0
  #trouble: Error | undefined
  #wake: () => void = () => undefined

  constructor(stream: StreamApi, consumer: string) {
    this.#stream = stream
    this.#consumer = consumer
    this.#inbox = createInbox()
    this.#subscription = stream.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) this.#trouble ??= unavailable(`NATS ended the subscription: ${error.message}`, error)
        else this.#hear(message)
        this.#wake()
      },
    })
  }

  /**
   * The messages that have come, as soon as there are any; none when it stayed quiet for `quietMs` milliseconds (at least a second), or
   * when the signal aborts.
   * @throws ArtifactError `backend-unavailable` when the consumer, the stream or the connection is gone, or a message was lost.
   */
  async next(quietMs: number, signal: AbortSignal): Promise<readonly PulledMessage[]> {
    const { down } = this.#stream
    if (this.#received.length === 0 && this.#expected === 0 && !down.aborted) this.#request(quietMs)
    while (this.#received.length === 0 && this.#expected > 0 && !this.#trouble && !signal.aborted && !down.aborted) {
      if (!(await this.#heard([signal, down]))) this.#trouble = unavailable('NATS has fallen silent')
    }
    if (signal.aborted) return []
    if (down.aborted) throw unavailable('the connection to NATS was lost')
    // What came in good order before the trouble is good; whoever asks again learns of it.
    if (this.#trouble && this.#received.length === 0) throw this.#trouble
    return this.#received.splice(0)
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe()
  }

  #request(quietMs: number): void {
    this.#requests += 1
    this.#expected = batchMessages
    // Room for the largest message that there can be, with its headers: what does not fit would never come.
    const largest = (this.#stream.connection.info?.max_payload ?? 0) + 64 * 1024
    this.#stream.requestNext(this.#consumer, `${this.#inbox}.${this.#requests}`, {
      batch: batchMessages,
      max_bytes: Math.max(batchBytes, largest),
      expires: quietMs * 1_000_000,
      idle_heartbeat: Math.min(heartbeatMs, quietMs / 2) * 1_000_000,
    })
  }

  #hear(message: Msg): void {
    const code = message.headers?.code ?? 0
    if (code > 0) {
      this.#hearStatus(message, code, message.headers?.description ?? '')
      return
    }
    const { sequence, delivered } = numbersOf(message.reply ?? '')
    if (delivered !== this.#lastDelivered + 1) {
      this.#trouble ??= unavailable(`messages of NATS were lost before number ${sequence} of its stream`)
      return
    }
    this.#lastDelivered = delivered
    this.#expected = Math.max(0, this.#expected - 1)
    this.#received.push({ sequence, message })
  }

  /** The end of a request, unless it is a heartbeat; of an earlier request, it says nothing any more. */
  #hearStatus(message: Msg, code: number, description: string): void {
    if (code === 100 || message.subject !== `${this.#inbox}.${this.#requests}`) return
    this.#expected = 0
    // 404 and 408: nothing came. 409 with one of these: the batch is as large as it may be.
    const isOver = code === 404 || code === 408 || (code === 409 && /batch completed|exceeds maxbytes/i.test(description))
    if (!isOver) this.#trouble ??= unavailable(`NATS gives no more messages: ${description || code}`)
  }

  /** False when nothing at all was heard for longer than the broker may be silent. */
  #heard(signals: readonly AbortSignal[]): Promise<boolean> {
    return new Promise(resolve => {
      const settle = (heard: boolean) => {
        clearTimeout(timer)
        for (const signal of signals) signal.removeEventListener('abort', wake)
        this.#wake = () => undefined
        resolve(heard)
      }
      const wake = () => settle(true)
      const timer = setTimeout(() => settle(false), 2.5 * heartbeatMs)
      for (const signal of signals) signal.addEventListener('abort', wake)
      this.#wake = wake
    })
  }
}

/** What JetStream says of a message in its reply subject: its place in the stream, and among those of the consumer. */
function numbersOf(reply: string): { sequence: number; delivered: number } {
  const tokens = reply.split('.')
  // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.…; newer servers put domain and account in front.
  const at = tokens.length === 9 ? 5 : 7
  return { sequence: Number(tokens[at]), delivered: Number(tokens[at + 1]) }
}
