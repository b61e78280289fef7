import { createHash } from 'node:crypto'
import { blake3, digestFromBytes, parseSha256 } from '@artifact-store/core'
import { type RunningSystem, type S3TestServer, startS3Server, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatReprDigest } from '../src/http/repr-digest.ts'
import { type Api, apiOf } from './api.ts'

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251))
const digest = digestFromBytes(blake3(bytes))
const sha256 = parseSha256(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
const preferring = { prefer: 'redirect' }
const settings = { DOWNLOAD_REDIRECT_SECONDS: '300' }

/** The answer itself, not what it leads to. */
async function look(url: string, path: string, token: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  return fetch(`${url}${path}`, { method, redirect: 'manual', headers: { authorization: `Bearer ${token}`, ...headers } })
}

describe('a gateway on an S3 store that may send clients there', () => {
  let server: S3TestServer
  let system: RunningSystem
  let api: Api
  let url: string
  let file: string
  beforeAll(async () => {
    server = await startS3Server()
    const { accessKeyId, secretAccessKey } = server.credentials
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    system = await startSystem({ backend: { url: server.address('redirects'), env } })
    url = (await system.startGateway({ ...env, ...settings })).url
    api = apiOf(system, url)
    file = `/v1/packages/${await api.createPackage()}/files/reports/größe.bin`
    await api.call('PUT', file, { body: bytes, headers: { 'content-type': 'application/x-report' } })
  })
  afterAll(async () => {
    await system[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  it('sends those there who prefer it, with what the bytes have to be proven by', async () => {
    const answer = await look(url, file, system.token, preferring)
    expect(answer.status).toBe(307)
    expect(answer.headers.get('preference-applied')).toBe('redirect')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('repr-digest')).toBe(formatReprDigest(sha256, digest))
    expect(await answer.text()).toBe('')
    const there = await fetch(answer.headers.get('location') ?? '')
    expect(there.status).toBe(200)
    expect(there.headers.get('content-type')).toBe('application/x-report')
    expect(there.headers.get('content-disposition')).toContain('attachment; filename=')
    expect(Buffer.from(await there.arrayBuffer()).equals(bytes)).toBe(true)
  })

  it('is followed by a common client, for a part of a blob too', async () => {
    const answer = await api.call('GET', `/v1/blobs/${digest}`, { headers: { ...preferring, range: 'bytes=200000-' } })
    expect(answer.status).toBe(206)
    expect(answer.bytes.equals(bytes.subarray(200_000))).toBe(true)
  })

  it('sends the bytes itself to all others', async () => {
    for (const headers of [{}, { prefer: 'respond-async' }, { prefer: 'redirects' }]) {
      const answer = await look(url, file, system.token, headers)
      expect(answer.status).toBe(200)
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    }
  })

  it('first looks who asks, and for what', async () => {
    expect((await look(url, file, 'ast_wrong', preferring)).status).toBe(401)
    const writer = await api.call('POST', '/v1/tokens', { json: { actor: 'ci', scopes: ['write'] } })
    expect((await look(url, file, writer.json.token, preferring)).status).toBe(403)
    expect((await look(url, `${file}x`, system.token, preferring)).status).toBe(404)
    const etag = `"${digest}"`
    expect((await look(url, file, system.token, { ...preferring, 'if-none-match': etag })).status).toBe(304)
    expect((await look(url, file, system.token, { ...preferring, 'if-match': '"other"' })).status).toBe(412)
  })

  it.each<[string, string, Readonly<Record<string, string>>, number]>([
    ['the head alone', 'HEAD', {}, 200],
    [
      'a part under a condition that another server knows nothing of',
      'GET',
      { range: 'bytes=0-9', 'if-range': `"${digest}"` },
      206,
    ],
  ])('answers %s itself', async (_, method, headers, status) => {
    expect((await look(url, file, system.token, { ...preferring, ...headers }, method)).status).toBe(status)
  })

  it('sends what is small itself', async () => {
    const small = `/v1/packages/${await api.createPackage()}/files/small`
    await api.call('PUT', small, { body: 'small' })
    expect((await look(url, small, system.token, preferring)).status).toBe(200)
  })

  it('sends all bytes itself where nothing is said', async () => {
    expect((await look(system.gateway.url, file, system.token, preferring)).status).toBe(200)
  })
})

it('a gateway on a directory sends all bytes itself', async () => {
  await using system = await startSystem()
  const { url } = await system.startGateway(settings)
  const api = apiOf(system, url)
  const file = `/v1/packages/${await api.createPackage()}/files/data.bin`
  await api.call('PUT', file, { body: bytes })
  const answer = await look(url, file, system.token, preferring)
  expect(answer.status).toBe(200)
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
})
