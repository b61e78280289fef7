import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { isReady } from './is-ready.ts'

/** One address before several services, as a balancer in front of gateways is. */
export interface Balancer extends AsyncDisposable {
  readonly url: string
  /** Sends nobody there any more. Resolves when whoever was on the way has arrived. */
  takeOut(port: number): Promise<void>
  /** Sends people there again, when it is ready. */
  putBack(port: number): Promise<void>
}

/**
 * Gives each new connection to the next of those that are ready, and looks four times a second which are. It knows nothing of HTTP but
 * `/health/ready`, and repeats nothing.
 * @param ports on 127.0.0.1
 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const ready = new Set<number>()
  const out = new Set<number>()
  const look = async () => {
    for (const port of ports) {
      if ((await isReady(port)) && !out.has(port)) ready.add(port)
      else ready.delete(port)
    }
  }
  await look()
  let looking = Promise.resolve()
  const lookAgain = () => {
    looking = looking.then(look)
    return looking
  }
  const timer = setInterval(lookAgain, 250)

  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  let turn = 0
  const server = createServer(client => {
    const choice = [...ready]
    const port = choice[turn++ % choice.length]
    keep(client)
    if (port === undefined) return client.destroy()
    const upstream = keep(dial(port, '127.0.0.1'))
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroySoon())
    return undefined
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    takeOut(port) {
      out.add(port)
      return lookAgain()
    },
    putBack(port) {
      out.delete(port)
      return lookAgain()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await looking
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
