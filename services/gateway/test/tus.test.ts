import { createHash } from 'node:crypto'
import { hashBytes } from '@artifact-store/blobs'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, apiOf, type CallOptions } from './api.ts'

let system: RunningSystem
let api: Api
beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251))
const digests = await hashBytes(bytes)
const version = { 'tus-resumable': '1.0.0' }
const pieceType = { 'content-type': 'application/offset+octet-stream' }

const tus = (method: string, path: string, headers: Record<string, string> = {}, options: CallOptions = {}) =>
  api.call(method, path, { ...options, headers: { ...version, ...headers } })

async function create(headers: Record<string, string> = {}, options: CallOptions = {}): Promise<string> {
  const answer = await tus('POST', '/v1/uploads', { 'upload-length': String(bytes.length), ...headers }, options)
  expect(answer.status).toBe(201)
  return answer.headers.get('location') ?? ''
}

function patch(address: string, offset: number, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return tus('PATCH', address, { ...pieceType, 'upload-offset': String(offset), ...headers }, { body })
}

const pairs = (metadata: Readonly<Record<string, string>>) =>
  Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')

describe('uploads by tus', () => {
  it('say what they can do', async () => {
    const { status, headers } = await api.call('OPTIONS', '/v1/uploads')
    expect(status).toBe(204)
    expect(headers.get('tus-resumable')).toBe('1.0.0')
    expect(headers.get('tus-version')).toBe('1.0.0')
    expect(headers.get('tus-extension')?.split(',').toSorted()).toEqual([
      'checksum',
      'concatenation',
      'creation',
      'creation-defer-length',
      'creation-with-upload',
      'expiration',
      'termination',
    ])
    expect(headers.get('tus-max-size')).toBe(String(5 * 2 ** 40))
    expect(headers.get('tus-checksum-algorithm')).toBe('sha1,sha256,sha512,blake3')
  })

  it('begin, go on where they are, and become a blob that can be added by its digest', async () => {
    const address = await create({ 'upload-metadata': pairs({ empty: '', filename: 'ä.bin' }) })
    const half = await patch(address, 0, bytes.subarray(0, 120_000))
    expect(half.status).toBe(204)
    expect(half.headers.get('upload-offset')).toBe('120000')
    expect(Date.parse(half.headers.get('upload-expires') ?? '')).toBeGreaterThan(Date.now() + 23 * 3_600_000)

    const head = await tus('HEAD', address)
    expect(head.status).toBe(200)
    expect(head.headers.get('upload-offset')).toBe('120000')
    expect(head.headers.get('upload-length')).toBe(String(bytes.length))
    expect(head.headers.get('upload-metadata')).toBe(pairs({ empty: '', filename: 'ä.bin' }))
    expect(head.headers.get('cache-control')).toBe('no-store')
    expect((await api.call('GET', address)).json).toMatchObject({
      state: 'receiving',
      offset: 120_000,
      metadata: { filename: 'ä.bin' },
    })

    const rest = await patch(address, 120_000, bytes.subarray(120_000))
    expect(rest.status).toBe(204)
    expect(rest.headers.get('content-location')).toBe(`/v1/blobs/${digests.digest}`)
    expect(Number(rest.headers.get('artifact-position'))).toBeGreaterThan(0)
    expect((await api.call('GET', `/v1/blobs/${digests.sha256}`)).bytes.equals(bytes)).toBe(true)
    const id = await api.createPackage()
    const added = await api.call('POST', `/v1/packages/${id}/files`, { json: { files: [{ path: 'x', digest: digests.digest }] } })
    expect(added.json.results[0].status).toBe(201)
    expect((await tus('HEAD', address)).headers.get('upload-offset')).toBe(String(bytes.length))
  })

  it('become the file of a package that they name, whichever gateway takes the end', async () => {
    await using other = await system.startGateway()
    const id = await api.createPackage()
    const metadata = pairs({ package: id, path: 'a/b.json', filetype: 'text/markdown', digest: digests.sha256 })
    const address = await create({ 'upload-metadata': metadata })
    await patch(address, 0, bytes.subarray(0, 1000))
    const answer = await apiOf(system, other.url).call('PATCH', address, {
      headers: { ...version, ...pieceType, 'upload-offset': '1000' },
      body: bytes.subarray(1000),
    })
    expect(answer.status).toBe(204)
    const file = await api.call('GET', `/v1/packages/${id}/files/a/b.json`)
    expect(file.headers.get('content-type')).toBe('text/markdown')
    expect(file.bytes.equals(bytes)).toBe(true)
  })

  it('may bring their first piece, or all, with their creation', async () => {
    const part = await tus(
      'POST',
      '/v1/uploads',
      { ...pieceType, 'upload-length': String(bytes.length) },
      { body: bytes.subarray(0, 500) },
    )
    expect(part.status).toBe(201)
    expect(part.headers.get('upload-offset')).toBe('500')
    expect((await patch(part.headers.get('location') ?? '', 500, bytes.subarray(500))).status).toBe(204)
    const all = await tus('POST', '/v1/uploads', { ...pieceType, 'upload-length': String(bytes.length) }, { body: bytes })
    expect(all.headers.get('upload-offset')).toBe(String(bytes.length))
    expect(all.headers.get('repr-digest')).toContain('blake3=:')
    const nothing = await tus('POST', '/v1/uploads', { 'upload-length': '0' })
    expect(nothing.headers.get('content-location')).toMatch(/^\/v1\/blobs\/blake3:af1349b9/)
  })

  it('may say their length with a later piece', async () => {
    const created = await tus('POST', '/v1/uploads', { 'upload-defer-length': '1' })
    const address = created.headers.get('location') ?? ''
    await patch(address, 0, bytes.subarray(0, 500))
    expect((await tus('HEAD', address)).headers.get('upload-defer-length')).toBe('1')
    const rest = await patch(address, 500, bytes.subarray(500), { 'upload-length': String(bytes.length) })
    expect(rest.headers.get('content-location')).toContain(digests.digest)
  })

  it('are checked piece by piece where that is asked for', async () => {
    const address = await create()
    const sha1 = (of: Uint8Array) => `sha1 ${createHash('sha1').update(of).digest('base64')}`
    const wrong = await patch(address, 0, bytes.subarray(0, 1000), { 'upload-checksum': sha1(bytes) })
    expect(wrong.status).toBe(460)
    expect(wrong.json.kind).toBe('checksum-mismatch')
    expect((await tus('HEAD', address)).headers.get('upload-offset')).toBe('0')
    expect((await patch(address, 0, bytes.subarray(0, 1000), { 'upload-checksum': sha1(bytes.subarray(0, 1000)) })).status).toBe(
      204,
    )
    const unknown = await patch(address, 1000, bytes.subarray(1000), { 'upload-checksum': 'crc32 AAAA' })
    expect(unknown.status).toBe(400)
  })

  it('are put together of parts', async () => {
    const parts = await Promise.all(
      [bytes.subarray(0, 90_000), bytes.subarray(90_000)].map(async piece => {
        const address = await create({ 'upload-length': String(piece.length), 'upload-concat': 'partial' })
        await patch(address, 0, piece)
        expect((await tus('HEAD', address)).headers.get('upload-concat')).toBe('partial')
        return address
      }),
    )
    const [first = '', second = ''] = parts
    const concat = `final;${first} ${system.gateway.url}${second}`
    const final = await tus('POST', '/v1/uploads', {
      'upload-concat': concat,
      'repr-digest': `blake3=:${base64(digests.digest)}:`,
    })
    expect(final.status).toBe(201)
    const address = final.headers.get('location') ?? ''
    const head = await tus('HEAD', address)
    expect(head.headers.get('upload-concat')).toBe(`final;${first} ${second}`)
    expect(head.headers.get('upload-length')).toBe(String(bytes.length))
    expect(head.headers.get('content-location')).toContain(digests.digest)
    const refused = await patch(address, bytes.length, new Uint8Array())
    expect(refused.status).toBe(403)
  })

  it('are ended', async () => {
    const address = await create()
    await patch(address, 0, bytes.subarray(0, 1000))
    expect((await tus('DELETE', address)).status).toBe(204)
    expect((await tus('HEAD', address)).status).toBe(404)
    expect((await patch(address, 1000, bytes.subarray(1000))).json.kind).toBe('upload-not-found')
  })

  it('may be sent by a client that knows no PATCH and no DELETE', async () => {
    const address = await create()
    const headers = { ...pieceType, 'upload-offset': '0', 'x-http-method-override': 'PATCH' }
    const sent = await tus('POST', address, headers, { body: bytes.subarray(0, 10) })
    expect(sent.status).toBe(204)
    expect(sent.headers.get('upload-offset')).toBe('10')
    expect((await tus('POST', address, { 'x-http-method-override': 'DELETE' })).status).toBe(204)
    const neither = await tus('POST', address, {})
    expect(neither.status).toBe(405)
    expect(neither.headers.get('allow')).toBe('GET, PATCH, DELETE')
  })

  it('are listed for those of the same actor only, by the digest that was announced', async () => {
    const address = await create({ 'upload-metadata': pairs({ digest: `${digests.digest} ${digests.sha256}` }) })
    const mine = await api.call('GET', `/v1/uploads?digest=${digests.digest}`)
    expect(mine.json.uploads.map((upload: { id: string }) => `/v1/uploads/${upload.id}`)).toEqual([address])
    const { json } = await api.call('POST', '/v1/tokens', { json: { actor: 'someone-else', scopes: ['write'] } })
    const other = { token: json.token }
    expect((await api.call('GET', `/v1/uploads?digest=${digests.digest}`, other)).json.uploads).toEqual([])
    expect((await tus('HEAD', address, {}, other)).status).toBe(404)
    const page = await api.call('GET', '/v1/uploads?limit=1')
    expect(page.headers.get('link')).toContain('rel="next"')
    const next = await api.call('GET', `/v1/uploads?limit=1&cursor=${page.json.next}`)
    expect(next.json.uploads[0]?.id > page.json.uploads[0].id).toBe(true)
  })
})

describe('an upload that cannot be taken', () => {
  const refusals: readonly [string, number, string, (address: string) => Promise<Answer>][] = [
    ['another version', 412, 'precondition-failed', address => tus('HEAD', address, { 'tus-resumable': '0.2.2' })],
    ['no version', 412, 'precondition-failed', address => api.call('PATCH', address, { body: 'x' })],
    ['another media type', 415, 'unsupported-media-type', address => patch(address, 0, bytes, { 'content-type': 'text/plain' })],
    ['an offset that is behind', 409, 'offset-mismatch', address => patch(address, 5, bytes.subarray(5))],
    [
      'an offset that is none',
      400,
      'invalid-request',
      address => tus('PATCH', address, { ...pieceType, 'upload-offset': 'x' }, { body: bytes }),
    ],
    ['more than its length', 413, 'body-too-large', address => patch(address, 0, Buffer.concat([bytes, bytes]))],
    ['no token', 401, 'unauthenticated', address => tus('HEAD', address, {}, { token: null })],
    ['an id that is none', 404, 'upload-not-found', () => tus('HEAD', '/v1/uploads/x')],
    ['a length that is none', 400, 'invalid-request', () => tus('POST', '/v1/uploads', { 'upload-length': '-1' })],
    ['no length at all', 400, 'invalid-request', () => tus('POST', '/v1/uploads')],
    ['a length beyond the most', 413, 'body-too-large', () => tus('POST', '/v1/uploads', { 'upload-length': String(2 ** 50) })],
    [
      'metadata that is none',
      400,
      'invalid-request',
      () => tus('POST', '/v1/uploads', { 'upload-length': '1', 'upload-metadata': 'a b c' }),
    ],
    [
      'a path without a package',
      400,
      'invalid-request',
      () => tus('POST', '/v1/uploads', { 'upload-length': '1', 'upload-metadata': pairs({ path: 'x' }) }),
    ],
    [
      'a package that is not there',
      404,
      'package-not-found',
      () =>
        tus('POST', '/v1/uploads', {
          'upload-length': '1',
          'upload-metadata': pairs({ path: 'x', package: '01a205eb-9671-7575-b9d6-d71da8370684' }),
        }),
    ],
  ]

  it.each(refusals)('is refused for %s with %i %s, as every answer of tus with its version', async (_, status, kind, request) => {
    const answer = await request(await create())
    expect(answer.status).toBe(status)
    if (answer.json) expect(answer.json.kind).toBe(kind)
    expect(answer.headers.get('tus-resumable')).toBe('1.0.0')
    if (status === 412) expect(answer.headers.get('tus-version')).toBe('1.0.0')
  })

  it('fails for good when it is not what was announced, and tells everyone who asks', async () => {
    const other = await hashBytes(Buffer.from('other'))
    const address = await create({ 'upload-metadata': pairs({ digest: other.digest }) })
    const refused = await patch(address, 0, bytes)
    expect(refused.status).toBe(400)
    expect(refused.json.kind).toBe('digest-mismatch')
    expect((await tus('HEAD', address)).status).toBe(400)
    expect((await api.call('GET', address)).json.state).toBe('failed')
  })

  it('fails where its package was finalized meanwhile, and its bytes are kept as a blob', async () => {
    const id = await api.createPackage()
    const own = Buffer.from('only here')
    const address = await create({ 'upload-length': '9', 'upload-metadata': pairs({ package: id, path: 'late' }) })
    await api.call('POST', `/v1/packages/${id}/finalize`)
    const refused = await patch(address, 0, own)
    expect(refused.status).toBe(409)
    expect(refused.json.kind).toBe('package-sealed')
  })
})

function base64(digest: string): string {
  return Buffer.from(digest.slice(digest.indexOf(':') + 1), 'hex').toString('base64')
}
