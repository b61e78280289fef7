import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { blake3, digestFromBytes } from '@artifact-store/core'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatReprDigest } from '../src/http/repr-digest.ts'
import { type Answer, type Api, apiOf, type CallOptions } from './api.ts'

let system: RunningSystem
let api: Api
let open: string
let sealed: string

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
  open = await api.createPackage()
  await api.call('PUT', `/v1/packages/${open}/files/taken`, { body: 'taken' })
  await api.call('PUT', `/v1/packages/${open}/files/directory/file`, { body: 'file' })
  sealed = await api.createPackage()
  await api.call('POST', `/v1/packages/${sealed}/finalize`)
})
afterAll(() => system[Symbol.asyncDispose]())

const unknown = '01a205eb-9671-7575-b9d6-d71da8370684'
const zeros = '0'.repeat(64)
const reprDigest = (algorithm: string, bytes: number[]) => ({
  'repr-digest': `${algorithm}=:${Buffer.from(bytes).toString('base64')}:`,
})

interface Refusal {
  readonly what: string
  readonly status: number
  readonly kind: string
  readonly request: () => Promise<Answer>
}

const put = (path: string, options: CallOptions) => () => api.call('PUT', `/v1/packages/${open}/files/${path}`, options)
const refusals: readonly Refusal[] = [
  {
    what: 'a wrong SHA-256',
    status: 400,
    kind: 'digest-mismatch',
    request: put('new', { body: 'x', headers: reprDigest('sha-256', Array(32).fill(1)) }),
  },
  {
    what: 'a wrong BLAKE3',
    status: 400,
    kind: 'digest-mismatch',
    request: put('new', { body: 'x', headers: reprDigest('blake3', Array(32).fill(1)) }),
  },
  {
    what: 'the digest of what is there over other bytes',
    status: 400,
    kind: 'digest-mismatch',
    request: put('taken', { body: 'other', headers: { 'repr-digest': formatReprDigest(digestFromBytes(blake3('taken'))) } }),
  },
  {
    what: 'a digest field that is none',
    status: 400,
    kind: 'invalid-request',
    request: put('new', { body: 'x', headers: { 'repr-digest': 'sha-256=abc' } }),
  },
  {
    what: 'a digest of the wrong length',
    status: 400,
    kind: 'invalid-request',
    request: put('new', { body: 'x', headers: reprDigest('sha-256', [1, 2]) }),
  },
  {
    what: 'bytes under another digest',
    status: 400,
    kind: 'digest-mismatch',
    request: () => api.call('PUT', `/v1/blobs/blake3:${zeros}`, { body: 'x' }),
  },
  { what: 'a digest that is none', status: 400, kind: 'invalid-request', request: () => api.call('GET', '/v1/blobs/md5:abc') },
  {
    what: 'a blob that is not there',
    status: 404,
    kind: 'blob-not-found',
    request: () => api.call('GET', `/v1/blobs/sha256:${zeros}`),
  },
  { what: 'a backslash in a path', status: 400, kind: 'invalid-path', request: put('a%5Cb', { body: 'x' }) },
  { what: 'a control character in a path', status: 400, kind: 'invalid-path', request: put('a%07', { body: 'x' }) },
  { what: 'an empty segment in a path', status: 400, kind: 'invalid-path', request: put('a//b', { body: 'x' }) },
  { what: 'a path that is not UTF-8', status: 400, kind: 'invalid-path', request: put('a%FF', { body: 'x' }) },
  { what: 'other bytes at a path', status: 409, kind: 'path-taken', request: put('taken', { body: 'other' }) },
  { what: 'a file below a file', status: 409, kind: 'path-conflict', request: put('taken/below', { body: 'x' }) },
  { what: 'a file where a directory is', status: 409, kind: 'path-conflict', request: put('directory', { body: 'x' }) },
  {
    what: 'an encoded body',
    status: 415,
    kind: 'unsupported-media-type',
    request: put('new', { body: 'x', headers: { 'content-encoding': 'gzip' } }),
  },
  {
    what: 'a media type that is none',
    status: 415,
    kind: 'unsupported-media-type',
    request: put('new', { body: 'x', headers: { 'content-type': 'nonsense' } }),
  },
  {
    what: 'a file for a finalized package',
    status: 409,
    kind: 'package-sealed',
    request: () => api.call('PUT', `/v1/packages/${sealed}/files/x`, { body: 'x' }),
  },
  {
    what: 'the removal of a file of a finalized package',
    status: 409,
    kind: 'package-sealed',
    request: () => api.call('DELETE', `/v1/packages/${sealed}/files/x`),
  },
  {
    what: 'discarding a finalized package',
    status: 409,
    kind: 'package-sealed',
    request: () => api.call('POST', `/v1/packages/${sealed}/discard`),
  },
  {
    what: 'an unknown package',
    status: 404,
    kind: 'package-not-found',
    request: () => api.call('PUT', `/v1/packages/${unknown}/files/x`, { body: 'x' }),
  },
  { what: 'an id that is none', status: 404, kind: 'package-not-found', request: () => api.call('GET', '/v1/packages/nonsense') },
  {
    what: 'the manifest of an open package',
    status: 409,
    kind: 'package-not-finalized',
    request: () => api.call('GET', `/v1/packages/${open}/manifest`),
  },
  {
    what: 'an unknown file',
    status: 404,
    kind: 'file-not-found',
    request: () => api.call('GET', `/v1/packages/${open}/files/nothing`),
  },
  {
    what: 'JSON that is broken',
    status: 400,
    kind: 'invalid-json',
    request: () => api.call('POST', '/v1/packages', { body: '{', headers: { 'content-type': 'application/json' } }),
  },
  {
    what: 'JSON with a key twice',
    status: 400,
    kind: 'invalid-json',
    request: () =>
      api.call('POST', '/v1/packages', {
        body: '{"name":"a","name":"b","kind":"logs"}',
        headers: { 'content-type': 'application/json' },
      }),
  },
  {
    what: 'oversized JSON',
    status: 413,
    kind: 'body-too-large',
    request: () => api.call('POST', '/v1/packages', { json: { name: 'a', kind: 'logs', producer: 'x'.repeat(1100 * 1024) } }),
  },
  {
    what: 'a body that is not JSON',
    status: 415,
    kind: 'unsupported-media-type',
    request: () => api.call('POST', '/v1/packages', { body: 'name=a', headers: { 'content-type': 'text/plain' } }),
  },
  {
    what: 'a field that is unknown',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('POST', '/v1/packages', { json: { name: 'a', kind: 'logs', nmae: 'b' } }),
  },
  {
    what: 'a package name that is none',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('POST', '/v1/packages', { json: { name: 'UPPER', kind: 'logs' } }),
  },
  {
    what: 'a limit beyond the most',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('GET', '/v1/packages?limit=501'),
  },
  {
    what: 'a cursor of our own making',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('GET', '/v1/packages?cursor=%21%21'),
  },
  {
    what: 'U+0000 in a query',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('GET', '/v1/packages?name=a%00b'),
  },
  {
    what: 'U+0000 in a cursor',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('GET', `/v1/packages/${open}/files?cursor=YQBi`),
  },
  {
    what: 'U+0000 in a path',
    status: 400,
    kind: 'invalid-path',
    request: put('a%00b', { body: 'x' }),
  },
  {
    what: 'a position that is none',
    status: 400,
    kind: 'invalid-request',
    request: () => api.call('GET', '/v1/events?after=-1'),
  },
  {
    what: 'a range behind the end',
    status: 416,
    kind: 'range-not-satisfiable',
    request: () => api.call('GET', `/v1/packages/${open}/files/taken`, { headers: { range: 'bytes=5-' } }),
  },
  { what: 'no token', status: 401, kind: 'unauthenticated', request: () => api.call('GET', '/v1/packages', { token: null }) },
  {
    what: 'an unknown token',
    status: 401,
    kind: 'unauthenticated',
    request: () => api.call('GET', '/v1/packages', { token: 'ast_unknown' }),
  },
  { what: 'an address that is none', status: 404, kind: 'route-not-found', request: () => api.call('GET', '/v1/nothing') },
  {
    what: 'a method that an address has not',
    status: 405,
    kind: 'method-not-allowed',
    request: () => api.call('PATCH', '/v1/packages'),
  },
]

describe('a request that cannot be taken', () => {
  it.each(refusals)(
    'is refused for $what with $status $kind, and leaves log and blobs as they were',
    async ({ status, kind, request }) => {
      const before = await api.footprint()
      const answer = await request()
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.json).toMatchObject({ type: `https://artifact-store.dev/problems/${kind}`, status })
      expect(answer.json.detail.length).toBeGreaterThan(20)
      expect(answer.status).toBe(status)
      expect(await api.footprint()).toEqual(before)
      await expect.poll(() => api.staging()).toEqual([])
    },
  )

  // These clients cannot be written with fetch: it mends a path, and it ends what it began.
  it.each(['..%2Fup', '%2e%2e/up', '../up', './here', 'a/%2E%2e/b'])('is refused for the path %s, which climbs', async path => {
    const before = await api.footprint()
    const answer = await raw(`PUT /v1/packages/${open}/files/${path} HTTP/1.1\r\nContent-Length: 1\r\n`, 'x')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('problems/invalid-path')
    expect(await api.footprint()).toEqual(before)
    await expect.poll(() => api.staging()).toEqual([])
  })

  it('is refused for a body that breaks off, and nothing of it is kept', async () => {
    const before = await api.footprint()
    const answer = await raw(`PUT /v1/packages/${open}/files/half HTTP/1.1\r\nContent-Length: 1000\r\n`, 'only this', 'and ends')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('problems/body-incomplete')
    expect(await api.footprint()).toEqual(before)
    await expect.poll(() => api.staging()).toEqual([])
  })

  it('keeps nothing of an upload whose client vanishes', async () => {
    const before = await api.footprint()
    const socket = await opened(`PUT /v1/packages/${open}/files/half HTTP/1.1\r\nContent-Length: 1000000\r\n`)
    socket.write('x'.repeat(70_000))
    socket.destroy()
    expect(await api.footprint()).toEqual(before)
    await expect.poll(() => api.staging()).toEqual([])
  })

  it('is refused before its bytes are asked for', async () => {
    const answer = await raw(
      `PUT /v1/packages/${sealed}/files/x HTTP/1.1\r\nContent-Length: 5000000000\r\nExpect: 100-continue\r\n`,
      '',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 409 /)
    expect(answer).not.toContain('100 Continue')
  })

  it('is answered without the rest of its body being waited for', async () => {
    const socket = await opened(`PUT /v1/packages/${sealed}/files/x HTTP/1.1\r\nContent-Length: 5000000000\r\n`)
    socket.write('x'.repeat(100_000))
    expect(await firstBytes(socket)).toMatch(/^HTTP\/1\.1 409 /)
    socket.destroy()
  })
})

async function opened(head: string): Promise<Socket> {
  const { hostname, port } = new URL(system.gateway.url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`${head}Host: x\r\nAuthorization: Bearer ${system.token}\r\n\r\n`)
  return socket
}

/** Sends a request as it stands, and reads all that comes back until the server closes. */
async function raw(head: string, body: string, and?: 'and ends'): Promise<string> {
  const socket = await opened(`${head}Connection: close\r\n`)
  if (and) socket.end(body)
  else socket.write(body)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

async function firstBytes(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data')
  return String(chunk)
}
