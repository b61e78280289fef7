import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { createPassage, type Direction, type Impairment, type Passage } from './passage.ts'

/** The network between one process and another, on 127.0.0.1: all that they say to each other goes through here. */
export interface Link extends AsyncDisposable {
  readonly name: string
  /** Where the one that calls has to call. */
  readonly port: number
  /** Where the one that is called listens now; undefined: nowhere. Connections that are there keep theirs. */
  leadTo(port: number | undefined): void
  /** Lasts until the returned function is called; impairments of one link add up. */
  impair(impairment: Impairment): () => void
  /** Breaks all connections: `reset` as a crashed peer or a firewall does, `close` as if each side had hung up. */
  cut(how: 'reset' | 'close'): void
  /** All connections that are there fall silent: who called is never told, who was called after `toldMs` milliseconds, as by its keepalives. */
  abandon(toldMs: number): void
  /** Breaks the next connection on which so many more bytes have gone in that direction: in the middle of what is being said. */
  tear(direction: Direction, afterBytes: number): void
}

export async function openLink(name: string): Promise<Link> {
  let target: number | undefined
  const connections = new Set<Connection>()
  const passage = createPassage()
  // Each end may hang up on its own, as over any network.
  const server = createServer({ allowHalfOpen: true }, client => {
    client.on('error', () => {})
    if (target === undefined || passage.refuses()) return void client.resetAndDestroy()
    const connection = connect(client, target, passage)
    connections.add(connection)
    void connection.ended.then(() => connections.delete(connection))
  })
  const port = await listen(server)
  const cut: Link['cut'] = how => {
    for (const connection of connections) connection.break(how)
  }
  return {
    name,
    port,
    leadTo(next) {
      target = next
    },
    impair: passage.impair,
    cut,
    abandon(toldMs) {
      for (const connection of connections) connection.abandon(toldMs)
    },
    tear: passage.tear,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      cut('reset')
      await closed
    },
  }
}

const nothing = Buffer.alloc(0)

interface Connection {
  readonly ended: Promise<void>
  break(how: 'reset' | 'close'): void
  abandon(toldMs: number): void
}

function connect(client: Socket, target: number, passage: Passage): Connection {
  const upstream = dial({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  client.setNoDelay()
  upstream.on('error', () => {})
  const broken = new AbortController()
  let abandoned = false
  const pass = async (direction: Direction, piece: Buffer) => {
    const passed = await passage.pass(direction, piece, broken.signal)
    if (abandoned) await aborted(broken.signal)
    return passed
  }
  const end: Connection['break'] = how => {
    broken.abort()
    for (const socket of [client, upstream]) {
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }
  const carry = async (from: Socket, to: Socket, direction: Direction) => {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        const passed = await pass(direction, piece)
        if (broken.signal.aborted) return
        if (!to.write(passed.bytes)) await Promise.race([once(to, 'drain', { signal: broken.signal }), once(to, 'close')])
        if (passed.torn) return end('reset')
      }
      await pass(direction, nothing)
      to.end()
    } catch {
      // One side broke: the other learns it in the same way, once the link lets anything through.
      await pass(direction, nothing)
      end('reset')
    }
  }
  const ended = Promise.all([carry(client, upstream, 'requests'), carry(upstream, client, 'answers')]).then(() => {
    end('close')
  })
  return {
    ended,
    break: end,
    abandon(toldMs) {
      abandoned = true
      const telling = setTimeout(() => upstream.resetAndDestroy(), toldMs)
      broken.signal.addEventListener('abort', () => clearTimeout(telling), { once: true })
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
