import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import {
  acceptBody,
  createApp,
  createMetrics,
  Health,
  type HttpServer,
  listenHttp,
  RESPONSE_ALREADY_SENT,
  writeProblem,
} from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

describe('a handler that writes on the raw response', () => {
  it('answers with the request id, and is measured by its own status', async () => {
    await using server = await serve()
    const response = await fetch(`${server.url}/raw`, { headers: { 'X-Request-Id': 'r-1' } })
    expect(response.status).toBe(206)
    expect(response.headers.get('x-request-id')).toBe('r-1')
    expect(response.headers.get('x-hono-already-sent')).toBeNull()
    expect(await response.text()).toBe('raw bytes')
    await server.logged('request')
    expect(server.lines).toContainEqual(expect.objectContaining({ route: '/raw', status: 206, requestId: 'r-1' }))
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('{method="GET",route="/raw",status="206"} 1')
  })

  it('answers HEAD too', async () => {
    await using server = await serve()
    expect((await fetch(`${server.url}/raw`, { method: 'HEAD' })).status).toBe(206)
  })

  it('answers a problem, without what it had meant to say, where it fails before the headers', async () => {
    await using server = await serve()
    const response = await fetch(`${server.url}/raw-fails-early`, { headers: { 'X-Request-Id': 'r-2' } })
    expect(response.status).toBe(502)
    expect(response.headers.get('etag')).toBeNull()
    expect(response.headers.get('x-request-id')).toBe('r-2')
    expect(await response.json()).toMatchObject({ kind: 'blob-corrupt', requestId: 'r-2' })
  })

  it.each(['/raw-fails-late', '/raw-throws-late'])('breaks the body off where it fails after the headers (%s)', async path => {
    await using server = await serve()
    const response = await fetch(`${server.url}${path}`)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
    await server.logged('request')
    expect(server.lines).toContainEqual(expect.objectContaining({ msg: 'request', status: 200, complete: false }))
  })
})

describe('an upload that asks first (Expect: 100-continue)', () => {
  it('is told to send when the handler wants the body', async () => {
    await using server = await serve()
    const upload = httpRequest(`${server.url}/upload`, {
      method: 'PUT',
      headers: { Expect: '100-continue', 'Content-Length': 5 },
    })
    upload.flushHeaders()
    await once(upload, 'continue')
    upload.end('bytes')
    const [response] = await once(upload, 'response')
    response.setEncoding('utf8')
    expect(await response.toArray()).toEqual(['got bytes'])
  })

  it('sends nothing when it is refused, and its connection is not used again', async () => {
    await using server = await serve()
    const answer = await exchange(
      server.port,
      'PUT /refused HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000000\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/)
    expect(answer).toMatch(/\r\nConnection: close\r\n/i)
    expect(answer).not.toContain('100 Continue')
  })
})

describe('a server', () => {
  it('says in a sentence that its port is taken', async () => {
    await using first = await serve()
    const second = listenHttp({ fetch: () => new Response(), host: '127.0.0.1', port: first.port })
    await expect(second).rejects.toMatchObject({
      kind: 'configuration',
      message: `port ${first.port} on 127.0.0.1 is already in use: stop what listens there, or set PORT to another`,
    })
  })

  it('lets a request in flight finish when it closes, though others are refused, and keeps no connection', async () => {
    await using server = await serve()
    const answer = fetch(`${server.url}/waits`)
    await server.waiting
    const closed = server.close(60_000)
    await expect(fetch(`${server.url}/hello`)).rejects.toThrow('fetch failed')
    server.release()
    const response = await answer
    expect(response.headers.get('connection')).toBe('close')
    expect(await response.text()).toBe('done')
    await closed
  })

  it('takes requests while it drains, and ends the connection of each', async () => {
    await using server = await serve()
    const before = await fetch(`${server.url}/hello`)
    expect(before.headers.get('connection')).toBe('keep-alive')
    await before.text()
    server.drain()
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${server.url}/hello`)
      expect(response.headers.get('connection')).toBe('close')
      await response.text()
    }
  })

  it('cuts off what is not finished after the grace', async () => {
    await using server = await serve()
    const answer = fetch(`${server.url}/waits`)
    await server.waiting
    await Promise.all([expect(answer).rejects.toThrow('fetch failed'), server.close(1)])
  })

  it('closes at once where only idle connections are left', async () => {
    await using server = await serve()
    await (await fetch(`${server.url}/hello`)).text()
    await server.close(60_000)
  })

  it('answers a request that it cannot read with a problem', async () => {
    await using server = await serve()
    const answer = await exchange(server.port, 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"kind":"invalid-request"')
  })
})

interface TestServer extends HttpServer {
  readonly lines: Record<string, unknown>[]
  logged(msg: string): Promise<void>
  /** Resolves when a request has reached `/waits`, which answers after `release`. */
  readonly waiting: Promise<void>
  release(): void
}

async function serve(): Promise<TestServer> {
  const { logger, lines, logged } = recordingLogger()
  const app = createApp({ name: 'test', logger, metrics: createMetrics('test'), health: new Health() })
  const arrived = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  app.get('/hello', c => c.text('hello'))
  app.get('/waits', async c => {
    arrived.resolve()
    await released.promise
    return c.text('done')
  })
  app.get('/raw', c => {
    const { outgoing } = c.env
    outgoing.writeHead(206, { 'Content-Length': 9 })
    outgoing.end('raw bytes')
    return RESPONSE_ALREADY_SENT
  })
  app.get('/raw-fails-early', c => {
    c.env.outgoing.setHeader('ETag', '"x"')
    writeProblem(c.env.outgoing, new ArtifactError('blob-corrupt', 'the blob is not what it was'))
    return RESPONSE_ALREADY_SENT
  })
  app.get('/raw-fails-late', c => {
    c.env.outgoing.writeHead(200, { 'Content-Length': 100 })
    c.env.outgoing.write('a part', () => writeProblem(c.env.outgoing, new Error('the disk is gone')))
    return RESPONSE_ALREADY_SENT
  })
  app.get('/raw-throws-late', async c => {
    c.env.outgoing.writeHead(200, { 'Content-Length': 100 })
    await new Promise(resolve => c.env.outgoing.write('a part', resolve))
    throw new Error('the disk is gone')
  })
  app.put('/upload', async c => {
    acceptBody(c.env.outgoing)
    acceptBody(c.env.outgoing)
    c.env.incoming.setEncoding('utf8')
    return c.text(`got ${(await c.env.incoming.toArray()).join('')}`)
  })
  app.put('/refused', () => {
    throw new ArtifactError('package-sealed', 'the package is finalized')
  })
  const server = await listenHttp({ fetch: app.fetch, host: '127.0.0.1', port: 0 })
  return { ...server, lines, logged, waiting: arrived.promise, release: released.resolve }
}

/** Sends bytes and gives back everything that comes until the server closes the connection. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(bytes)
  return (await socket.toArray()).join('')
}
