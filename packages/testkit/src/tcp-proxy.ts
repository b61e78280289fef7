import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'

/** Stands between a client and a server on 127.0.0.1, and can do to their connections what networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** From now on what the server says is kept back, while what the client says still arrives. */
  holdAnswers(): void
  /** Passes on what was kept back and what comes. */
  releaseAnswers(): void
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let holding = false
  const held: (() => void)[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer(client => {
    const upstream = keep(dial(targetPort, '127.0.0.1'))
    keep(client)
    client.pipe(upstream)
    upstream.on('data', data => {
      const pass = () => void client.write(data)
      if (holding) held.push(pass)
      else pass()
    })
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    holdAnswers() {
      holding = true
    },
    releaseAnswers() {
      holding = false
      for (const pass of held.splice(0)) pass()
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
