import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What is sent: a head without its last line feed, and the pieces of the body. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | number>>
  readonly body?: readonly Uint8Array[] | undefined
}

export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Bytes of the body. */
  readonly length: number
  /** The body, as far as it is short. */
  readonly text: string
}

const shortBody = 64 * 1024

/** A kept-alive connection of HTTP/1.1 with as little work of its own as there can be, so that the servers are measured and not the client. */
export class Connection implements Disposable {
  readonly #socket: Socket
  #received: Buffer[] = []
  #arrived = Promise.withResolvers<void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    const wake = () => {
      this.#arrived.resolve()
      this.#arrived = Promise.withResolvers()
    }
    socket.on('data', data => {
      this.#received.push(data)
      wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', wake)
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** Sends the request while it reads the answer. */
  async call({ method, path, headers, body = [] }: RawRequest): Promise<RawAnswer> {
    const length = body.reduce((sum, piece) => sum + piece.length, 0)
    const lines = Object.entries({
      host: 'bench',
      ...(length > 0 || method !== 'GET' ? { 'content-length': length } : {}),
      ...headers,
    })
    const head = Buffer.from(
      `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    const [only, ...more] = body
    // What is small goes in one write.
    const sent =
      only && more.length === 0 && only.length < shortBody
        ? this.#send([Buffer.concat([head, only])])
        : this.#send([head, ...body])
    const answer = await this.#read()
    await sent
    return answer
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  async #send(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#socket.destroyed) return
      if (!this.#socket.write(piece)) await drained(this.#socket)
    }
  }

  async #read(): Promise<RawAnswer> {
    const head = await this.#readHead()
    const [statusLine = '', ...lines] = head.split('\r\n')
    const status = Number(statusLine.split(' ')[1])
    const headers = new Map(
      lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    if (status === 100) return this.#read()
    const length = headers.get('content-length')
    if (length !== undefined) return { status, headers, ...(await this.#take(Number(length))) }
    if (headers.get('transfer-encoding') !== 'chunked') return { status, headers, length: 0, text: '' }
    return { status, headers, ...(await this.#takeChunks()) }
  }

  async #readHead(): Promise<string> {
    for (;;) {
      const all = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received)
      const end = all?.indexOf('\r\n\r\n') ?? -1
      if (all && end >= 0) {
        this.#received = end + 4 < all.length ? [all.subarray(end + 4)] : []
        return all.toString('latin1', 0, end)
      }
      this.#received = all && all.length > 0 ? [all] : []
      await this.#more()
    }
  }

  async #take(length: number): Promise<{ length: number; text: string }> {
    let text = ''
    for (let left = length; left > 0; ) {
      const next = this.#received.shift()
      if (!next) {
        await this.#more()
        continue
      }
      if (length <= shortBody) text += next.toString('latin1', 0, left)
      if (next.length > left) this.#received.unshift(next.subarray(left))
      left -= Math.min(left, next.length)
    }
    return { length, text }
  }

  async #takeChunks(): Promise<{ length: number; text: string }> {
    let length = 0
    let text = ''
    for (;;) {
      const size = Number.parseInt(await this.#readLine(), 16)
      const chunk = await this.#take(size)
      length += chunk.length
      if (text.length < shortBody) text += chunk.text
      await this.#readLine()
      if (size === 0) return { length, text }
    }
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const all = Buffer.concat(this.#received)
      const end = all.indexOf('\r\n')
      if (end >= 0) {
        this.#received = end + 2 < all.length ? [all.subarray(end + 2)] : []
        return all.toString('latin1', 0, end)
      }
      this.#received = all.length > 0 ? [all] : []
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    if (this.#socket.destroyed) throw new Error('the server has closed the connection')
    await this.#arrived.promise
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
