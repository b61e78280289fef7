import { ArtifactError } from '@artifact-store/core'
import { createInbox, ErrorCode, type Msg, type NatsConnection, NatsError } from 'nats'

/** Hands the client commands that are written already, and gets the answers to some of them. Disposing it leaves the connection open. */
export interface NatsOutlet extends Disposable {
  readonly connection: NatsConnection
  /** Where an answer is to go that is waited for, for so many milliseconds. It fails with the client's own errors. */
  expectAnswer(timeoutMs: number): { readonly reply: string; readonly answer: Promise<Msg> }
  /** Whole commands of the NATS protocol, one after the other. */
  send(commands: Uint8Array): void
}

/** @throws ArtifactError `configuration` when the connection is one of a client that takes no written commands. */
export function createOutlet(connection: NatsConnection): NatsOutlet {
  const sendCommand = commandSender(connection)
  const inbox = createInbox()
  const expected = new Map<string, (answer: Msg | NatsError) => void>()
  let count = 0
  const answers = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error) return
      expected.get(message.subject)?.(isUnheard(message) ? new NatsError('no responders', ErrorCode.NoResponders) : message)
    },
  })
  return {
    connection,
    expectAnswer(timeoutMs) {
      const reply = `${inbox}.${(count++).toString(36)}`
      const { promise: answer, resolve, reject } = Promise.withResolvers<Msg>()
      const settle = (outcome: Msg | NatsError) => {
        clearTimeout(late)
        expected.delete(reply)
        if (outcome instanceof NatsError) reject(outcome)
        else resolve(outcome)
      }
      const late = setTimeout(() => settle(new NatsError('no answer in time', ErrorCode.Timeout)), timeoutMs)
      expected.set(reply, settle)
      // Whoever sent the command may have given up before the answer comes.
      answer.catch(() => undefined)
      return { reply, answer }
    },
    send(commands) {
      if (connection.isClosed() || connection.isDraining())
        throw new NatsError('the connection was closed', ErrorCode.ConnectionClosed)
      sendCommand(commands)
    },
    [Symbol.dispose]: () => answers.unsubscribe(),
  }
}

/** The server says so when nothing listens to a subject, and so no stream takes what was published there. */
function isUnheard({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === 503
}

/** By which the client itself sends all that it has to say; it is not in the client's types. */
function commandSender(connection: object): (commands: Uint8Array) => void {
  const protocol: unknown = 'protocol' in connection ? connection.protocol : undefined
  if (isCommandSender(protocol)) return commands => protocol.sendCommand(commands)
  throw new ArtifactError(
    'configuration',
    'the NATS connection is not one of the client that this package comes with (nats 2.29)',
  )
}

function isCommandSender(protocol: unknown): protocol is { sendCommand(commands: Uint8Array): void } {
  return (
    typeof protocol === 'object' && protocol !== null && 'sendCommand' in protocol && typeof protocol.sendCommand === 'function'
  )
}
