import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ConnectionLimits, connectionLimits } from '../src/connection-limits.ts'
import { connectionMetrics } from '../src/connection-metrics.ts'
import { createApp, createMetrics, Health, type HttpServer, listenHttp, RESPONSE_ALREADY_SENT, readJson } from '../src/index.ts'
import { silentLogger } from './fixtures/silent-logger.ts'

describe('the head of a request', () => {
  it.each([
    ['many bytes of fields', `GET /hello HTTP/1.1\r\n${`X-Flood: ${'y'.repeat(1000)}\r\n`.repeat(100)}`],
    ['one endless field', `GET /hello HTTP/1.1\r\nX-Flood: ${'y'.repeat(100_000)}\r\n`],
    ['an endless address', `GET /hello?${'y'.repeat(100_000)} HTTP/1.1\r\n`],
    ['too many small fields', `GET /hello HTTP/1.1\r\n${'a: b\r\n'.repeat(101)}`],
    ['far too many small fields', `GET /hello HTTP/1.1\r\n${'a: b\r\n'.repeat(2500)}`],
  ])('is refused with a problem for %s', async (_, head) => {
    await using server = await serve()
    const answer = await exchange(server, `${head}Host: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(answer).toContain('Content-Type: application/problem+json\r\n')
    expect(answer).toContain('"kind":"headers-too-large"')
    expect(server.refused).toEqual(['headers-too-large'])
  })

  it('is answered while it goes on without end, and little of it is read', async () => {
    await using server = await serve()
    const socket = await connected(server)
    const push = () => {
      while (!socket.destroyed && socket.write('y'.repeat(65_536)));
    }
    socket.on('drain', push)
    socket.write('GET /hello HTTP/1.1\r\nX-Flood: ')
    push()
    expect(await all(socket)).toContain('"kind":"headers-too-large"')
    expect(server.sockets[0]?.bytesRead).toBeLessThan(3_000_000)
  })

  it('may have a hundred fields', async () => {
    await using server = await serve()
    const answer = await exchange(server, `GET /hello HTTP/1.1\r\n${'a: b\r\n'.repeat(98)}Host: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('may not trickle on', async () => {
    await using server = await serve({ headMs: 200 })
    const socket = await connected(server)
    const answer = all(socket)
    socket.write('GET /hello HTTP/1.1\r\nX-Slow: ')
    while (!socket.destroyed && !socket.readableEnded) {
      socket.write('y')
      await delay(10)
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 408 .*"kind":"request-timeout"/s)
    expect(server.refused).toEqual(['request-timeout'])
  })

  it('may not trickle on after another request either', async () => {
    await using server = await serve({ headMs: 200 })
    const socket = await connected(server)
    const answer = all(socket)
    socket.write('GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\n')
    expect(await answer).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 408 /s)
  })

  it('that is not HTTP does not get between the bytes of another answer', async () => {
    await using server = await serve()
    const answer = await exchange(server, 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n', 'this is not HTTP\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).not.toContain('application/problem+json')
  })
})

describe('a connection', () => {
  it('that says nothing is closed without a word', async () => {
    await using server = await serve({ headMs: 200 })
    expect(await all(await connected(server))).toBe('')
  })

  it('that says nothing after an answer is closed', async () => {
    await using server = await serve({ idleMs: 200 })
    expect(await exchange(server, 'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 .*hello$/s)
  })

  it('whose client closes its half has its answer', async () => {
    await using server = await serve()
    const socket = await connected(server)
    socket.end('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 .*hello$/s)
  })

  it.each([
    ['before it said anything', ''],
    ['in the middle of a head', 'GET /hello HTTP/1.1\r\nHos'],
    ['in the middle of a body', 'POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'],
  ])('whose client closes its half %s is closed', async (_, said) => {
    await using server = await serve()
    const socket = await connected(server)
    socket.end(said)
    expect(await all(socket)).toMatch(/^$|^HTTP\/1\.1 400 /)
    await expect.poll(() => server.connections()).toBe(0)
  })

  it('beyond the limit is closed at once, while the others are served, and another may come when one has gone', async () => {
    await using server = await serve({ maxConnections: 3 })
    const open = [await connected(server), await connected(server), await connected(server)]
    await expect.poll(() => server.connections()).toBe(3)
    expect(await all(await connected(server))).toBe('')
    expect(server.refused).toEqual(['too-many-connections'])
    open[0]?.write('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(String(await once(open[0] as Socket, 'data'))).toContain('200 OK')
    open[1]?.destroy()
    await expect.poll(() => server.connections()).toBe(2)
    expect(await exchange(server, 'GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  })
})

it('serves on beside two thousand connections that are idle, and counts them', async () => {
  await using server = await serve()
  const idle: Socket[] = []
  // A few at a time: the system drops those that find no place in its queue, and lets their clients think that they are connected.
  while (idle.length < 2000) {
    idle.push(...(await Promise.all(Array.from({ length: 100 }, () => connected(server)))))
    await expect.poll(() => server.connections(), { timeout: 20_000 }).toBe(idle.length)
  }
  // Half of them have been served before.
  await Promise.all(
    idle.slice(1000).map(socket => {
      socket.write('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')
      return once(socket, 'data')
    }),
  )
  expect(await (await fetch(`${server.url}/hello`)).text()).toBe('hello')
  const counted = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^http_connections (\d+)$/m.exec(metrics)?.[1])
  }
  expect(await counted()).toBeGreaterThan(2000)
  for (const socket of idle) socket.destroy()
})

it('does not wait for JSON that trickles on', async () => {
  await using server = await serve()
  const answer = await exchange(server, 'POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{')
  expect(answer).toMatch(/^HTTP\/1\.1 408 .*"kind":"request-timeout"/s)
})

interface TestServer extends HttpServer {
  readonly refused: readonly string[]
  readonly sockets: readonly Socket[]
  connections(): Promise<number>
}

async function serve(limits: Partial<ConnectionLimits> = connectionLimits): Promise<TestServer> {
  const metrics = createMetrics('test')
  const counted = connectionMetrics(metrics)
  const app = createApp({ name: 'test', logger: silentLogger, metrics, health: new Health() })
  app.get('/hello', c => c.text('hello'))
  app.post('/json', async c => c.json(await readJson(c, z.object({}), { maxMs: 100 })))
  app.get('/endless', c => {
    c.env.outgoing.writeHead(200)
    c.env.outgoing.write('for ever')
    return RESPONSE_ALREADY_SENT
  })
  const refused: string[] = []
  const sockets: Socket[] = []
  let connections: TestServer['connections'] = async () => 0
  const server = await listenHttp({
    fetch: app.fetch,
    host: '127.0.0.1',
    port: 0,
    limits,
    unread: { maxBytes: 1_000_000, maxMs: 200 },
    onRefused: reason => refused.push(reason),
    configureServer: http => {
      counted.watch(http)
      http.on('connection', socket => sockets.push(socket))
      connections = () => new Promise(resolve => http.getConnections((_, count) => resolve(count)))
    },
  })
  return { ...server, refused, sockets, connections }
}

async function connected({ port }: HttpServer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  // Who sends to a connection that was cut off is told so.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Sends texts, the later ones when something has come, and gives back everything that comes until the connection is closed. */
async function exchange(server: HttpServer, first: string, ...later: readonly string[]): Promise<string> {
  const socket = await connected(server)
  const answer = all(socket)
  socket.write(first)
  for (const text of later) {
    await once(socket, 'data')
    socket.write(text)
  }
  return answer
}

function all(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  return new Promise(resolve => socket.on('close', () => resolve(answer)))
}
