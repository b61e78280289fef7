import { request } from 'node:http'
import { blake3, digestFromBytes } from '@artifact-store/core'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { openStream } from './open-stream.ts'

let system: RunningSystem
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system[Symbol.asyncDispose]())

async function limited(settings: Readonly<Record<string, string>>): Promise<{ api: Api; url: string }> {
  const { url } = await system.startGateway(settings)
  return { api: apiOf(system, url), url }
}

/** How often a limit was met, as the gateway's metrics say. */
async function refusals(url: string, limit: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^artifact_store_limit_refusals_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(metrics)?.[1])
}

async function issueToken(): Promise<string> {
  const issued = await apiOf(system).call('POST', '/v1/tokens', { json: { actor: 'ci:other', scopes: ['read', 'write'] } })
  return issued.json.token
}

describe('a token that asks too often', () => {
  it('is refused with when to come again, and others are not', async () => {
    const { api, url } = await limited({ TOKEN_REQUESTS_PER_SECOND: '1', TOKEN_REQUESTS_BURST: '60' })
    const answers = await Promise.all(Array.from({ length: 120 }, () => api.call('GET', '/v1/packages')))
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(60)
    expect(refused.length).toBeGreaterThan(0)
    const [first] = refused
    expect(first?.json).toMatchObject({ kind: 'too-many-requests', limit: 'rate', requestsPerSecond: 1, burst: 60 })
    expect(first?.headers.get('retry-after')).toBe('1')
    expect(first?.headers.get('ratelimit-policy')).toBe('"token";q=60;w=60')
    expect(first?.headers.get('ratelimit')).toBe('"token";r=0;t=1')
    expect((await api.call('GET', '/v1/packages', { token: await issueToken() })).status).toBe(200)
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    expect(await refusals(url, 'rate')).toBe(refused.length)
  })
})

describe('a token that has too much under way', () => {
  it('is refused, while others are not, until something has ended', async () => {
    const { api, url } = await limited({ TOKEN_MAX_REQUESTS: '2' })
    const streams = [await openStream(url, system.token), await openStream(url, system.token)]
    const refused = await api.call('GET', '/v1/packages')
    expect(refused.status).toBe(429)
    expect(refused.json).toMatchObject({ kind: 'too-many-requests', limit: 'concurrency', maxRequests: 2 })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await api.call('GET', '/v1/packages', { token: await issueToken() })).status).toBe(200)
    expect(await refusals(url, 'concurrency')).toBe(1)
    streams[0]?.close()
    await expect.poll(async () => (await api.call('GET', '/v1/packages')).status).toBe(200)
    streams[1]?.close()
  })

  it('has nothing left under way after what failed, broke off, or was refused', async () => {
    const { api, url } = await limited({ TOKEN_MAX_REQUESTS: '1' })
    const open = await apiOf(system).createPackage()
    const statusOf = async (...call: Parameters<Api['call']>) => (await api.call(...call)).status
    for (let i = 0; i < 3; i++) {
      // The upload that was broken off may be taken up only now, and be under way for a moment.
      await expect.poll(() => statusOf('GET', '/v1/packages/nonsense')).toBe(404)
      await expect.poll(() => statusOf('POST', '/v1/packages', { json: { nmae: 'x' } })).toBe(400)
      await new Promise<void>(resolve => {
        const upload = request(`${url}/v1/packages/${open}/files/broken`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${system.token}`, 'content-length': 1000 },
        })
        upload.on('error', () => resolve())
        upload.write('half', () => setImmediate(() => upload.destroy(new Error('gone'))))
      })
      await expect.poll(() => statusOf('GET', '/v1/packages')).toBe(200)
    }
  })
})

describe('a file that is too large', () => {
  const settings = { UPLOAD_MAX_BYTES: '1000', UPLOAD_MAX_FILES: '5' }
  const large = Buffer.alloc(1001, 'x')

  it('is refused by its length, or as soon as more of it comes, and nothing is kept', async () => {
    const { api, url } = await limited(settings)
    const open = await api.createPackage()
    const before = await api.footprint()
    const digest = digestFromBytes(blake3(large))
    for (const path of [`/v1/packages/${open}/files/large`, `/v1/blobs/${digest}`]) {
      const declared = await api.call('PUT', path, { body: large })
      expect(declared.status).toBe(413)
      expect(declared.json).toMatchObject({ kind: 'body-too-large', maxBytes: 1000, length: 1001 })
      const chunked = await fetch(`${url}${path}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${system.token}` },
        body: new Blob([large]).stream(),
        duplex: 'half',
      } as RequestInit)
      expect(chunked.status).toBe(413)
      expect(await chunked.json()).toMatchObject({ kind: 'body-too-large', maxBytes: 1000 })
    }
    expect(await api.footprint()).toEqual(before)
    expect(await refusals(url, 'bytes')).toBe(4)
    expect((await api.call('PUT', `/v1/packages/${open}/files/fits`, { body: large.subarray(1) })).status).toBe(201)
  })

  it('is refused in a tar stream, and keeps the others not out', async () => {
    const { api } = await limited(settings)
    const open = await api.createPackage()
    const { lines, last } = await sendTar(api, open, { a: 'a', large, z: 'z' })
    expect(lines.map(({ path, status }) => [path, status])).toEqual([
      ['a', 201],
      ['large', 413],
      ['z', 201],
    ])
    expect(last).toMatchObject({ files: 3, added: 2, refused: 1 })
    expect(last['problem']).toBeUndefined()
  })
})

it('takes no more files of a tar stream than allowed, and says which it took', async () => {
  const { api, url } = await limited({ UPLOAD_MAX_FILES: '5' })
  const open = await api.createPackage()
  const { lines, last } = await sendTar(api, open, Object.fromEntries(Array.from('abcdefgh', name => [name, name])))
  expect(lines.map(({ status }) => status)).toEqual(Array(5).fill(201))
  expect(last).toMatchObject({ done: true, files: 5, problem: { kind: 'body-too-large', status: 413, maxFiles: 5 } })
  const files = await api.call('GET', `/v1/packages/${open}/files`)
  expect(files.json.files.map(({ path }: { path: string }) => path)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(await refusals(url, 'files')).toBe(1)
})

async function sendTar(api: Api, id: string, files: Readonly<Record<string, string | Buffer>>) {
  const archive = pack()
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes))
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const answer = await api.call('POST', `/v1/packages/${id}/files`, {
    body: Buffer.concat(chunks),
    headers: { 'content-type': 'application/x-tar' },
  })
  const lines: Record<string, unknown>[] = answer.bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  const last = lines.pop() ?? {}
  return { lines, last }
}
