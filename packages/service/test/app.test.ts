import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type App, createApp, createMetrics, Health, readJson } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

describe('an app', () => {
  it('takes over a harmless request id, and makes its own where there is none or a strange one', async () => {
    const { app } = testApp()
    expect((await app.request('/hello', { headers: { 'X-Request-Id': 'build-17.a:b' } })).headers.get('x-request-id')).toBe(
      'build-17.a:b',
    )
    const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
    expect((await app.request('/hello')).headers.get('x-request-id')).toMatch(uuid)
    expect((await app.request('/hello', { headers: { 'X-Request-Id': '"}<script>' } })).headers.get('x-request-id')).toMatch(uuid)
    expect((await app.request('/hello', { headers: { 'X-Request-Id': 'x'.repeat(129) } })).headers.get('x-request-id')).toMatch(
      uuid,
    )
  })

  it('answers a thrown error with its problem document', async () => {
    const { app } = testApp()
    const response = await app.request('/refuses', { headers: { 'X-Request-Id': 'r-9' } })
    expect(response.status).toBe(409)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'https://artifact-store.dev/problems/package-sealed',
      title: 'The package can no longer change',
      status: 409,
      detail: 'the package is finalized',
      kind: 'package-sealed',
      package: 'p',
      requestId: 'r-9',
    })
  })

  it('tells the log, and not the client, of an error that nobody foresaw', async () => {
    const { app, lines } = testApp()
    const response = await app.request('/breaks', { headers: { 'X-Request-Id': 'r-10' } })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('inner secret')
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', requestId: 'r-10', err: expect.objectContaining({ message: 'inner secret' }) }),
    )
  })

  it('answers 404 for an unknown address and 405 with Allow for an unsupported method', async () => {
    const { app } = testApp()
    expect(await (await app.request('/nowhere')).json()).toMatchObject({ status: 404, kind: 'route-not-found' })
    const response = await app.request('/things/1', { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, DELETE')
    expect(await response.json()).toMatchObject({ kind: 'method-not-allowed', allow: ['GET', 'HEAD', 'DELETE'] })
  })

  it('measures requests by the pattern of their route', async () => {
    const { app } = testApp()
    await app.request('/things/1')
    await app.request('/things/2')
    await app.request('/things/2', { method: 'DELETE' })
    await app.request('/no/such/thing')
    const metrics = await (await app.request('/metrics')).text()
    expect(metrics).toContain('http_request_duration_seconds_count{method="GET",route="/things/:id",status="200"} 2')
    expect(metrics).toContain('http_request_duration_seconds_count{method="DELETE",route="/things/:id",status="204"} 1')
    expect(metrics).toContain('http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1')
    expect(metrics).toMatch(/artifact_store_build_info\{name="test",version="[^"]+",node="v[^"]+"\} 1/)
    expect(metrics).toContain('nodejs_eventloop_lag_seconds')
    expect(metrics).not.toContain('/things/1')
  })

  it('logs a line for each request: reads at debug, the rest at info', async () => {
    const { app, lines } = testApp()
    await app.request('/things/1')
    await app.request('/things/1', { method: 'DELETE' })
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'debug',
        msg: 'request',
        method: 'GET',
        route: '/things/:id',
        path: '/things/1',
        status: 200,
      }),
      expect.objectContaining({ level: 'info', msg: 'request', method: 'DELETE', status: 204, ms: expect.any(Number) }),
    ])
  })

  it('tells its health, also where middleware that was added later asks for a token', async () => {
    const { app, health } = testApp(app => {
      app.use(() => {
        throw new ArtifactError('unauthenticated', 'send a token')
      })
    })
    expect((await app.request('/hello')).status).toBe(401)
    expect((await app.request('/health/live')).status).toBe(200)
    expect((await app.request('/health/ready')).status).toBe(503)
    health.started()
    expect(await (await app.request('/health/ready')).json()).toEqual({ status: 'ready', checks: {} })
    expect(await (await app.request('/health')).json()).toMatchObject({
      name: 'test',
      status: 'ready',
      version: expect.any(String),
    })
  })
})

describe('a JSON body', () => {
  const post = (app: App, body: string, type: string | undefined = 'application/json') =>
    app.request('/json', { method: 'POST', body, headers: type === undefined ? {} : { 'Content-Type': type } })

  it('reaches the handler as its schema says', async () => {
    const { app } = testApp()
    expect(await (await post(app, '{"name":"ci/nightly"}', 'application/json; charset=utf-8')).json()).toEqual({
      name: 'ci/nightly',
    })
  })

  it.each([
    ['{"name":', 'application/json', 'invalid-json'],
    ['{"name":"a","name":"b"}', 'application/json', 'invalid-json'],
    ['{"name":7}', 'application/json', 'invalid-request'],
    ['name=ci', 'application/x-www-form-urlencoded', 'unsupported-media-type'],
    [JSON.stringify({ name: 'x'.repeat(100) }), 'application/json', 'body-too-large'],
  ])('is refused when it is wrong: %s as %s', async (body, type, kind) => {
    const { app } = testApp()
    expect(await (await post(app, body, type)).json()).toMatchObject({ kind })
  })

  it('is refused by its length while it streams, where no length is stated', async () => {
    const { app } = testApp()
    const endless = new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(40)) })
    const request = new Request('http://localhost/json', {
      method: 'POST',
      body: endless,
      duplex: 'half',
      headers: { 'Content-Type': 'application/json' },
    })
    expect(await (await app.request(request)).json()).toMatchObject({ kind: 'body-too-large', maxBytes: 100 })
  })

  it('points at the wrong field', async () => {
    const { app } = testApp()
    expect(await (await post(app, '{"name":7}')).json()).toMatchObject({ errors: [{ pointer: '#/name' }] })
  })
})

function testApp(configure: (app: App) => void = () => {}) {
  const { logger, lines } = recordingLogger()
  const health = new Health()
  const app = createApp({ name: 'test', logger, metrics: createMetrics('test'), health })
  configure(app)
  app.get('/hello', c => c.text('hello'))
  app.get('/things/:id', c => c.text(c.req.param('id')))
  app.delete('/things/:id', c => c.body(null, 204))
  app.get('/refuses', () => {
    throw new ArtifactError('package-sealed', 'the package is finalized', { details: { package: 'p' } })
  })
  app.get('/breaks', () => {
    throw new Error('inner secret')
  })
  app.post('/json', async c => c.json(await readJson(c, z.object({ name: z.string() }), { maxBytes: 100 })))
  return { app, health, lines }
}
