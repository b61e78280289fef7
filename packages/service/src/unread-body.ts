import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** How much is read of a body that nobody wants, once its request was answered. */
export interface UnreadLimits {
  /** In bytes. Who has no more than this left keeps the connection. */
  readonly maxBytes: number
  /** In milliseconds, from the end of the answer. */
  readonly maxMs: number
}

export const unreadLimits: UnreadLimits = { maxBytes: 1024 * 1024, maxMs: 5000 }

export interface UnreadBodies {
  /** To be told of every request, before it is handled. */
  begun(incoming: IncomingMessage): void
  /** To be told when the answer has ended. */
  answered(incoming: IncomingMessage): void
  /** Ends a connection after what was written to it, whatever still comes. */
  hangUp(socket: Socket): void
}

/**
 * Lets clients that are answered before they have sent everything read their answer. Closing a connection that has bytes unread resets it, and the reset
 * may take the answer along; reading on without end is what an attacker wants. So the rest is read up to the limits. Where it ends before,
 * the connection goes on. Where it does not, our side of the connection is closed, the client is held back by its window, and cut off when the time is
 * over (RFC 9112, section 9.6).
 */
export function boundUnreadBodies(server: Server, limits: UnreadLimits): UnreadBodies {
  const rests = new WeakMap<Socket, Rest>()
  const restOf = (socket: Socket, incoming?: IncomingMessage): Rest => {
    const rest = rests.get(socket) ?? new Rest(socket, incoming, limits, () => rests.delete(socket))
    rests.set(socket, rest)
    return rest
  }
  server.on('connection', (socket: AskingSocket) => {
    // What Node's server calls after the last answer of a connection.
    socket.destroySoon = () => {
      const incoming = socket[asked]
      if (incoming === undefined || incoming.complete || socket.destroyed) Socket.prototype.destroySoon.call(socket)
      else restOf(socket, incoming).hangUp()
    }
  })
  return {
    begun(incoming) {
      const socket: AskingSocket = incoming.socket
      socket[asked] = incoming
    },
    answered(incoming) {
      if (!incoming.complete && !incoming.socket.destroyed) restOf(incoming.socket, incoming)
    },
    hangUp(socket) {
      if (!socket.destroyed) restOf(socket).hangUp()
    },
  }
}

/** Has the answer to a refused request say that the connection ends with it, where more is to come than will be read. */
export function endWithRefusal(outgoing: ServerResponse): void {
  const { req: incoming } = outgoing
  if (incoming.complete) return
  const length = Number(incoming.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (length > unreadLimits.maxBytes) outgoing.shouldKeepAlive = false
}

const asked = Symbol('asked')
/** With the request that it brought last. */
type AskingSocket = Socket & { [asked]?: IncomingMessage }

/** What is still to come of one request, or of what is none. */
class Rest {
  readonly #socket: Socket
  readonly #incoming: IncomingMessage | undefined
  readonly #limits: UnreadLimits
  readonly #done: () => void
  readonly #timer: NodeJS.Timeout
  #read = 0
  #hungUp: boolean

  constructor(socket: Socket, incoming: IncomingMessage | undefined, limits: UnreadLimits, done: () => void) {
    this.#socket = socket
    this.#incoming = incoming
    this.#limits = limits
    this.#done = done
    this.#hungUp = false
    this.#timer = setTimeout(() => Socket.prototype.destroySoon.call(socket), limits.maxMs)
    socket.once('close', this.#forget)
    socket.on('data', this.#count)
    incoming?.resume()
  }

  /** Sends no more, and takes what comes for nobody. */
  hangUp(): void {
    if (this.#hungUp) return
    this.#hungUp = true
    // Node's parser among them: what follows the body on this connection is no request any more.
    this.#socket.removeAllListeners('data')
    this.#socket.on('data', this.#count)
    this.#socket.once('end', () => this.#socket.destroy())
    this.#socket.end()
  }

  readonly #count = (chunk: Buffer): void => {
    this.#read += chunk.byteLength
    if (!this.#hungUp && this.#incoming?.complete === true) {
      this.#forget()
    } else if (this.#read > this.#limits.maxBytes) {
      this.hangUp()
      this.#socket.pause()
    }
  }

  readonly #forget = (): void => {
    clearTimeout(this.#timer)
    this.#socket.off('close', this.#forget)
    this.#socket.off('data', this.#count)
    this.#done()
  }
}
