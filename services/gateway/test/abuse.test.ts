import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type RunningSystem, type ServiceUnderTest, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let gateway: ServiceUnderTest
let api: Api
let open: string
beforeAll(async () => {
  system = await startSystem()
  // One that has little patience.
  gateway = await system.startGateway({ BODY_IDLE_SECONDS: '1' })
  api = apiOf(system, gateway.url)
  open = await api.createPackage()
})
afterAll(() => system[Symbol.asyncDispose]())

async function connected(): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function sent(head: string, body: string | Uint8Array = '', token = system.token): Promise<Socket> {
  const socket = await connected()
  socket.write(`${head}Host: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  socket.write(body)
  return socket
}

/** All that comes until the server closes. Not by `once`: one who sends on is told by a broken pipe, and has been answered. */
function all(socket: Socket): Promise<string> {
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  return new Promise(resolve => socket.on('close', () => resolve(answer)))
}

describe('a client that sends nothing more', () => {
  it('is given up, told so, and nothing of its file is kept', async () => {
    const before = await api.footprint()
    const answer = await all(await sent(`PUT /v1/packages/${open}/files/slow HTTP/1.1\r\nContent-Length: 1000\r\n`, 'half'))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('no byte of the body came for 1 s')
    expect(await api.footprint()).toEqual(before)
    await expect.poll(() => api.staging()).toEqual([])
  })

  it('is waited for anew with each piece of a small file, which is whole in the end', async () => {
    const socket = await sent(
      `PUT /v1/packages/${open}/files/in-pieces HTTP/1.1\r\nContent-Length: 6\r\nConnection: close\r\n`,
      'on',
    )
    const answer = all(socket)
    for (const piece of ['e', 't', 'wo']) {
      await new Promise(resolve => setTimeout(resolve, 500))
      socket.write(piece)
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 201 /)
    expect((await api.call('GET', `/v1/packages/${open}/files/in-pieces`)).bytes.toString()).toBe('onetwo')
  })

  it('keeps what had arrived of its upload in pieces', async () => {
    const tus = { 'tus-resumable': '1.0.0' }
    const created = await api.call('POST', '/v1/uploads', { headers: { ...tus, 'upload-length': '1000' } })
    const address = created.headers.get('location') ?? ''
    const head =
      'Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 1000\r\n'
    expect(await all(await sent(`PATCH ${address} HTTP/1.1\r\n${head}`, 'x'.repeat(400)))).toMatch(/^HTTP\/1\.1 400 /)
    expect((await api.call('HEAD', address, { headers: tus })).headers.get('upload-offset')).toBe('400')
  })
})

describe('a client that is refused and sends on', () => {
  const endless = 'Content-Length: 9000000000\r\n'
  it.each([
    ['without a token that is known', 401, `PUT /v1/packages/x/files/x HTTP/1.1\r\n${endless}`, 'ast_wrong'],
    ['to a package that is not there', 404, `PUT /v1/packages/x/files/x HTTP/1.1\r\n${endless}`, undefined],
    ['JSON that is too long', 413, `POST /v1/packages HTTP/1.1\r\nContent-Type: application/json\r\n${endless}`, undefined],
  ])('is answered at once and cut off soon: %s', async (_, status, head, token) => {
    const socket = await sent(head, '', token)
    const block = Buffer.alloc(64 * 1024, 'x')
    const push = () => {
      while (!socket.destroyed && socket.write(block));
    }
    socket.on('drain', push)
    push()
    expect(await all(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    // The mebibyte that is read, and what the system holds of a connection before anybody reads it.
    expect(socket.bytesWritten).toBeLessThan(32 * 1024 * 1024)
  })
})

describe('a client whose Content-Length is a lie', () => {
  it('is refused, and never has more stored than it said', async () => {
    const answer = await all(
      await sent(`PUT /v1/packages/${open}/files/short HTTP/1.1\r\nContent-Length: 5\r\n`, 'short and more of it'),
    )
    expect(answer).toMatch(/HTTP\/1\.1 400 /)
    const stored = await api.call('GET', `/v1/packages/${open}/files/short`)
    expect(stored.status === 404 || stored.bytes.toString() === 'short').toBe(true)
  })

  it('is refused when it says two things', async () => {
    const head = `PUT /v1/packages/${open}/files/two HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n`
    expect(await all(await sent(head, 'short'))).toMatch(/^HTTP\/1\.1 400 /)
    expect((await api.call('GET', `/v1/packages/${open}/files/two`)).status).toBe(404)
  })
})

describe('a flood', () => {
  it('of headers is refused by the bytes', async () => {
    const answer = await all(await sent(`GET /v1/packages HTTP/1.1\r\n${`X-Flood: ${'y'.repeat(1000)}\r\n`.repeat(100)}`))
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer).toContain('application/problem+json')
  })

  it('of connections that say nothing keeps nobody else out', async () => {
    const idle = await Promise.all(Array.from({ length: 2000 }, connected))
    try {
      expect((await api.call('GET', '/v1/packages')).status).toBe(200)
      const put = await api.call('PUT', `/v1/packages/${open}/files/meanwhile`, { body: 'x' })
      expect(put.status).toBe(201)
    } finally {
      for (const socket of idle) socket.destroy()
    }
  })
})
