import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { createApp, createMetrics, Health, type HttpServer, listenHttp } from '../src/index.ts'
import { silentLogger } from './fixtures/silent-logger.ts'

const mebibyte = 1024 * 1024
const limits = { maxBytes: mebibyte, maxMs: 500 }
/** What the sockets on both sides take in before anybody reads it. */
const buffered = 2 * mebibyte

describe('a client that is refused and sends on without end', () => {
  it.each([
    ['a declared length', 'PUT /refused HTTP/1.1\r\nContent-Length: 9000000000\r\n', 'close'],
    ['chunks', 'PUT /refused HTTP/1.1\r\nTransfer-Encoding: chunked\r\n', 'close'],
    [
      'a declared length after it asked whether it may',
      'PUT /refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9000000000\r\n',
      'close',
    ],
    ['a body where there is none to be', 'GET /refused HTTP/1.1\r\nContent-Length: 9000000000\r\n', 'close'],
    ['a body that is begun and not read to its end', 'PUT /begins HTTP/1.1\r\nContent-Length: 9000000000\r\n', 'close'],
    ['a body that is answered with success', 'GET /hello HTTP/1.1\r\nContent-Length: 9000000000\r\n', 'keep-alive'],
  ])('has its whole answer, and little of it is read: %s', async (_, head, connection) => {
    await using server = await serve()
    const socket = await begin(server, head)
    const chunked = head.includes('chunked')
    const block = chunked ? Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`) : Buffer.alloc(64 * 1024, 'x')
    const push = () => {
      while (!socket.destroyed && socket.write(block));
    }
    socket.on('drain', push)
    push()
    const answer = await all(socket)
    expect(answer).toMatch(new RegExp(`\r\nConnection: ${connection}\r\n`, 'i'))
    expect(bodyOf(answer)).toHaveLength(lengthOf(answer))
    await server.closed(0)
    expect(server.sockets[0]?.bytesRead).toBeLessThan(limits.maxBytes + buffered)
  })
})

describe('a client that is refused', () => {
  it('keeps its connection when the little that is left has arrived', async () => {
    await using server = await serve()
    const socket = await begin(server, `PUT /refused HTTP/1.1\r\nContent-Length: ${200_000}\r\n`)
    await answered(socket)
    socket.write(Buffer.alloc(200_000))
    socket.write('GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hello$/s)
  })

  it('is cut off when what is left does not come', async () => {
    await using server = await serve()
    const socket = await begin(server, 'PUT /refused HTTP/1.1\r\nContent-Length: 200000\r\n')
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 409 /)
    await server.closed(0)
  })

  it('finds no more requests answered on a connection that has ended', async () => {
    await using server = await serve()
    const socket = await begin(server, 'PUT /refused HTTP/1.1\r\nContent-Length: 1100000\r\n')
    await answered(socket)
    socket.write(Buffer.alloc(1_100_000))
    socket.end('GET /counted HTTP/1.1\r\nHost: x\r\n\r\n')
    await server.closed(0)
    expect(server.counted()).toBe(0)
  })

  it('costs no byte of the body when it asked first and closes', async () => {
    await using server = await serve()
    const head = 'PUT /refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5000000000\r\n'
    const socket = await begin(server, head)
    await answered(socket)
    socket.end()
    await server.closed(0)
    expect(server.sockets[0]?.bytesRead).toBe(head.length + 'Host: x\r\n\r\n'.length)
  })

  it('does not keep a server from closing', async () => {
    await using server = await serve({ maxBytes: mebibyte, maxMs: 3_600_000 })
    const socket = await begin(server, 'PUT /refused HTTP/1.1\r\nContent-Length: 5000000000\r\n')
    await answered(socket)
    await server.close(0)
  })
})

interface TestServer extends HttpServer {
  readonly sockets: readonly Socket[]
  /** Resolves when the server has no more to do with its so manieth connection. */
  closed(index: number): Promise<void>
  counted(): number
}

async function serve(unread = limits): Promise<TestServer> {
  const app = createApp({ name: 'test', logger: silentLogger, metrics: createMetrics('test'), health: new Health() })
  let counted = 0
  app.get('/hello', c => c.text('hello'))
  app.get('/counted', c => c.text(String(++counted)))
  app.on(['GET', 'PUT'], '/refused', () => {
    throw new ArtifactError('package-sealed', 'the package is finalized', { details: { padding: 'x'.repeat(10_000) } })
  })
  app.put('/begins', async c => {
    await once(c.env.incoming, 'readable')
    c.env.incoming.read()
    throw new ArtifactError('path-taken', 'what begins so is not wanted')
  })
  const sockets: Socket[] = []
  const server = await listenHttp({
    fetch: app.fetch,
    host: '127.0.0.1',
    port: 0,
    unread,
    configureServer: http => http.on('connection', socket => sockets.push(socket)),
  })
  const closed = async (index: number) => {
    const socket = sockets[index]
    if (socket && !socket.closed) await once(socket, 'close')
  }
  return { ...server, sockets, closed, counted: () => counted }
}

async function begin({ port }: HttpServer, head: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // Who sends to a connection that was cut off is told so.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`${head}Host: x\r\n\r\n`)
  return socket
}

/** The next answer, once its end is there. */
async function answered(socket: Socket): Promise<string> {
  let answer = ''
  while (!answer.includes('\r\n\r\n') || bodyOf(answer).length < lengthOf(answer)) answer += (await once(socket, 'data'))[0]
  return answer
}

function all(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  return new Promise(resolve => socket.on('close', () => resolve(answer)))
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
const lengthOf = (answer: string) => Number(/\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1])
