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
  begun(incoming: IncomingMessage, outgoing: ServerResponse): void
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
    begun(incoming, outgoing) {
      const socket: AskingSocket = incoming.socket
      socket[asked] = incoming
      // Before Node's server finds that nobody has read it, and reads it to its end.
      outgoing.once('prefinish', () => {
        if (!incoming.complete && !socket.destroyed) restOf(socket, incoming)
      })
    },
    answered(incoming) {
      if (!incoming.complete && !incoming.socket.destroyed) restOf(incoming.socket, incoming).end()
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
  #timer: NodeJS.Timeout | undefined
  #read = 0
  #hungUp: boolean

  constructor(socket: Socket, incoming: IncomingMessage | undefined, limits: UnreadLimits, done: () => void) {
    this.#socket = socket
    this.#incoming = incoming
    this.#limits = limits
    this.#done = done
    this.#hungUp = false
    socket.once('close', this.#forget)
    // Not on the socket, if there is a message: listening there takes it away from Node's parser, and what that had paused stays so.
    if (incoming === undefined) return
    // Now, not in the next turn: it says that somebody reads it.
    incoming.read(0)
    incoming.on('data', this.#count).once('end', this.#forget).resume()
  }

  /** Begins the time that is left, when the answer has gone. */
  end(): void {
    this.#timer ??= setTimeout(() => Socket.prototype.destroySoon.call(this.#socket), this.#limits.maxMs)
    if (this.#isTooMuch) this.hangUp()
  }

  /** Sends no more, and takes what comes for nobody. */
  hangUp(): void {
    if (this.#hungUp) return
    this.#hungUp = true
    this.end()
    this.#incoming?.off('data', this.#count).off('end', this.#forget)
    // Node's parser among them: what follows the body on this connection is no request any more.
    this.#socket.removeAllListeners('data')
    this.#socket.on('data', this.#count)
    this.#socket.once('end', () => this.#socket.destroy())
    this.#socket.end()
  }

  readonly #count = (chunk: Buffer): void => {
    this.#read += chunk.byteLength
    if (!this.#isTooMuch) return
    if (this.#timer) this.hangUp()
    this.#socket.pause()
  }

  get #isTooMuch(): boolean {
    return this.#read > this.#limits.maxBytes
  }

  readonly #forget = (): void => {
    clearTimeout(this.#timer)
    this.#socket.off('close', this.#forget)
    this.#socket.off('data', this.#count)
    this.#incoming?.off('data', this.#count).off('end', this.#forget)
    this.#done()
  }
}
