import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createApp, createMetrics, Health, type HttpServer, listenHttp, RESPONSE_ALREADY_SENT } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

describe('what is measured of requests', () => {
  it('has the bytes of each request of a connection, heads included, and of no other', async () => {
    await using server = await serve()
    const answers = await exchange(server, [requestOf('/small'), requestOf('/large')])
    const [small = 0, large = 0] = answers
    await expect.poll(() => value(server, 'http_response_bytes_total', '/large')).toBe(large)
    expect(await value(server, 'http_response_bytes_total', '/small')).toBe(small)
    expect(await value(server, 'http_request_bytes_total', '/small')).toBe(requestOf('/small').length)
    expect(await value(server, 'http_request_bytes_total', '/large')).toBe(requestOf('/large').length)
    expect(large).toBeGreaterThan(100_000)
  })

  it('has the requests that have no whole answer yet, and the answers that broke off', async () => {
    await using server = await serve()
    const socket = connect(server.port, '127.0.0.1')
    socket.write(requestOf('/endless'))
    await once(socket, 'data')
    // The scrape is one itself.
    expect(await value(server, 'http_requests_in_flight')).toBe(2)
    expect(await value(server, 'http_responses_broken_total', '/endless')).toBeUndefined()
    socket.destroy()
    await expect.poll(() => value(server, 'http_responses_broken_total', '/endless')).toBe(1)
    expect(await value(server, 'http_requests_in_flight')).toBe(1)
  })

  it('has one label for all methods that are not ours, and one for all addresses that are none', async () => {
    await using server = await serve()
    for (const path of ['/a', '/b', '/c']) await exchange(server, [`PROPFIND ${path} HTTP/1.1\r\nHost: x\r\n\r\n`])
    await expect
      .poll(async () => (await metricsOf(server)).match(/^http_request_duration_seconds_count.*(PROPFIND|_OTHER).*$/gm))
      .toEqual([expect.stringContaining('_OTHER",route="unmatched",status="404"} 3')])
  })
})

function requestOf(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
}

/** Sends them over one connection, each after the answer to the one before. @returns how many bytes each answer had. */
async function exchange(server: HttpServer, requests: readonly string[]): Promise<number[]> {
  const socket = connect(server.port, '127.0.0.1')
  const sizes: number[] = []
  for (const request of requests) {
    socket.write(request)
    let answer = Buffer.alloc(0)
    do {
      const [chunk]: Buffer[] = await once(socket, 'data')
      answer = Buffer.concat([answer, chunk ?? Buffer.alloc(0)])
    } while (!isWhole(answer))
    sizes.push(answer.length)
  }
  socket.destroy()
  return sizes
}

function isWhole(answer: Buffer): boolean {
  const head = answer.indexOf('\r\n\r\n')
  const length = /content-length: (\d+)/i.exec(answer.toString('latin1', 0, head))?.[1]
  return head >= 0 && answer.length === head + 4 + Number(length)
}

async function metricsOf(server: HttpServer): Promise<string> {
  return (await fetch(`${server.url}/metrics`)).text()
}

async function value(server: HttpServer, name: string, route?: string): Promise<number | undefined> {
  const labels = route === undefined ? '' : `\\{method="GET",route="${route}"\\}`
  const found = new RegExp(`^${name}${labels} (.*)$`, 'm').exec(await metricsOf(server))?.[1]
  return found === undefined ? undefined : Number(found)
}

async function serve(): Promise<HttpServer> {
  const app = createApp({ name: 'test', logger: recordingLogger().logger, metrics: createMetrics('test'), health: new Health() })
  app.get('/small', c => c.body('x', 200, { 'Content-Length': '1' }))
  app.get('/large', c => c.body('x'.repeat(100_000), 200, { 'Content-Length': '100000' }))
  app.get('/endless', async ({ env: { outgoing } }) => {
    outgoing.writeHead(200)
    while (!outgoing.destroyed) {
      outgoing.write('x')
      await delay(1)
    }
    return RESPONSE_ALREADY_SENT
  })
  return listenHttp({ fetch: (request, env) => app.fetch(request, env), host: '127.0.0.1', port: 0 })
}
