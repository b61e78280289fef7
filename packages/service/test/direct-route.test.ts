import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { createApp, createMetrics, Health, type HttpServer, listenHttp, mountDirect } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

describe('a direct route', () => {
  it('answers on the raw response, with the request id, and is measured by its path', async () => {
    await using server = await serve()
    const response = await fetch(`${server.url}/v1/things`, { method: 'POST', body: 'one', headers: { 'X-Request-Id': 'r-1' } })
    expect(response.status).toBe(201)
    expect(response.headers.get('x-request-id')).toBe('r-1')
    expect(await response.text()).toBe('made one')
    await server.logged('request')
    const line = { level: 'debug', method: 'POST', path: '/v1/things', route: '/v1/things', status: 201, requestId: 'r-1' }
    expect(server.lines).toContainEqual(expect.objectContaining(line))
    expect(await metricsOf(server)).toContain('{method="POST",route="/v1/things",status="201"} 1')
  })

  it('answers what it throws as a problem document, and says so in the log', async () => {
    await using server = await serve()
    const refused = await fetch(`${server.url}/v1/things`, { method: 'POST', body: 'refuse', headers: { 'X-Request-Id': 'r-2' } })
    expect(refused.status).toBe(400)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({ kind: 'invalid-request', detail: 'no such thing', requestId: 'r-2' })
    const broken = await fetch(`${server.url}/v1/things`, { method: 'POST', body: 'break', headers: { 'X-Request-Id': 'r-3' } })
    expect(broken.status).toBe(500)
    expect(await broken.text()).not.toContain('inner secret')
    await server.logged('request failed')
    expect(server.lines).toContainEqual(expect.objectContaining({ level: 'error', requestId: 'r-3', kind: 'internal' }))
    expect(server.lines).toContainEqual(expect.objectContaining({ level: 'debug', requestId: 'r-2', msg: 'request refused' }))
  })

  it('gives way to the app for everything else, which knows the route too', async () => {
    await using server = await serve()
    const wrong = await fetch(`${server.url}/v1/things`)
    expect(wrong.status).toBe(405)
    expect(wrong.headers.get('allow')).toBe('POST')
    expect((await fetch(`${server.url}/v1/thing`, { method: 'POST' })).status).toBe(404)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    const withQuery = await fetch(`${server.url}/v1/things?a=b`, { method: 'POST', body: 'two' })
    expect(await withQuery.text()).toBe('made two')
    const badlyAsked = await fetch(`${server.url}/v1/things?a=b`, { method: 'POST', body: 'refuse' })
    expect(await badlyAsked.json()).toMatchObject({ kind: 'invalid-request' })
  })

  it('measures a request whose client left before the answer as 499', async () => {
    await using server = await serve()
    const leaving = request(`${server.url}/v1/things`, { method: 'POST' })
    leaving.on('error', () => undefined)
    leaving.flushHeaders()
    await server.begun
    leaving.destroy()
    await server.logged('request failed after the client had left')
    await expect.poll(() => metricsOf(server)).toContain('{method="POST",route="/v1/things",status="499"} 1')
  })

  it('is waited for by a server that closes', async () => {
    await using server = await serve()
    const { promise: mayAnswer, resolve: letAnswer } = Promise.withResolvers<void>()
    server.answers = mayAnswer
    const asked = fetch(`${server.url}/v1/things`, { method: 'POST', body: 'late' })
    await server.begun
    const closed = server.close(20_000)
    letAnswer()
    expect(await (await asked).text()).toBe('made late')
    await closed
  })
})

interface DirectServer extends HttpServer, Omit<ReturnType<typeof recordingLogger>, 'logger'> {
  /** Resolves when the first request has come. */
  readonly begun: Promise<void>
  /** What answers wait for. */
  answers: Promise<void>
}

async function serve(): Promise<DirectServer> {
  const { logger, lines, logged } = recordingLogger()
  const metrics = createMetrics('test')
  const app = createApp({ name: 'test', logger, metrics, health: new Health() })
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const direct = mountDirect(
    app,
    {
      method: 'POST',
      path: '/v1/things',
      async handle(incoming, outgoing) {
        begin()
        const asked = await text(incoming)
        await server.answers
        if (asked === 'refuse') throw new ArtifactError('invalid-request', 'no such thing')
        if (asked === 'break') throw new Error('inner secret')
        outgoing.writeHead(201).end(`made ${asked}`)
      },
    },
    { logger, metrics },
  )
  const listening = await listenHttp({ fetch: (r, env) => app.fetch(r, env), direct, host: '127.0.0.1', port: 0 })
  const server: DirectServer = { ...listening, lines, logged, begun, answers: Promise.resolve() }
  return server
}

async function metricsOf(server: HttpServer): Promise<string> {
  return (await fetch(`${server.url}/metrics`)).text()
}
