import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningSystem, type S3TestServer, startS3Server, startSystem } from '@artifact-store/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let server: S3TestServer
let system: RunningSystem
let api: Api
const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251))

beforeAll(async () => {
  server = await startS3Server()
  const { accessKeyId, secretAccessKey } = server.credentials
  system = await startSystem({
    backend: {
      url: server.address('gateway'),
      env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    },
  })
  api = apiOf(system)
})
afterEach(() => server.misbehave(undefined))
afterAll(async () => {
  await system[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('a gateway on an S3 server', () => {
  it('takes in and hands out files, whole and in part', async () => {
    const file = `/v1/packages/${await api.createPackage()}/files/data.bin`
    expect((await api.call('PUT', file, { body: bytes })).status).toBe(201)
    expect((await api.call('GET', file)).bytes.equals(bytes)).toBe(true)
    const part = await api.call('GET', file, { headers: { range: 'bytes=1000000-2000000' } })
    expect(part.status).toBe(206)
    expect(part.bytes.equals(bytes.subarray(1_000_000, 2_000_001))).toBe(true)
  })

  it('tells where its bytes are and what it found there, to admins alone', async () => {
    const { status, json } = await api.call('GET', '/v1/backends')
    expect(status).toBe(200)
    expect(json.backends).toEqual([
      {
        name: 'primary',
        role: 'primary',
        address: `${server.address('gateway').replace('pathStyle', 'region=us-east-1&pathStyle')}`,
        examinedAt: expect.any(String),
        capabilities: expect.arrayContaining([{ capability: 'range', works: true, seen: expect.any(String) }]),
      },
    ])
    const reader = await api.call('POST', '/v1/tokens', { json: { actor: 'reader', scopes: ['read'] } })
    expect((await api.call('GET', '/v1/backends', { token: reader.json.token })).status).toBe(403)
    expect((await api.call('POST', '/v1/backends/examine', { token: reader.json.token })).status).toBe(403)
  })

  it('has the server examined again when it is asked to', async () => {
    const before = (await api.call('GET', '/v1/backends')).json.backends[0].examinedAt
    server.misbehave(({ headers }) => (headers['range'] === undefined ? undefined : { kind: 'flip', at: 0 }))
    const { json } = await api.call('POST', '/v1/backends/examine')
    expect(Date.parse(json.backends[0].examinedAt)).toBeGreaterThan(Date.parse(before))
    expect(json.backends[0].capabilities).toContainEqual({
      capability: 'range',
      works: false,
      seen: 'bytes 0 to 9 of an object were asked for, and other bytes came',
    })
    server.misbehave(undefined)
    expect((await api.call('POST', '/v1/backends/examine')).json.backends[0].capabilities[0].works).toBe(true)
  })

  it.each([undefined, 'bytes=0-99', 'bytes=1400000-1600000', 'bytes=2999999-'])(
    'never completes a body of wrong bytes, of the range %s',
    async range => {
      const file = `/v1/packages/${await api.createPackage()}/files/data.bin`
      await api.call('PUT', file, { body: bytes })
      server.misbehave(({ method, key }) =>
        method === 'GET' && key.includes('/blobs/') ? { kind: 'flip', at: 1_500_000 } : undefined,
      )
      const answer = await api.call('GET', file, range === undefined ? {} : { headers: { range } }).catch(() => undefined)
      const [start, end] = /(\d+)-(\d*)/.exec(range ?? '0-')?.slice(1) ?? []
      const right = bytes.subarray(Number(start), end === '' ? undefined : Number(end) + 1)
      if (answer !== undefined && answer.status < 300) expect(answer.bytes.equals(right)).toBe(true)
    },
  )

  it('answers 503 with Retry-After and is not ready while the server is down, and goes on when it is back', async () => {
    const file = `/v1/packages/${await api.createPackage()}/files/data.bin`
    server.misbehave(() => ({ kind: 'refuse', status: 503 }))
    const refused = await api.call('PUT', file, { body: 'small' })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(refused.json).toMatchObject({ kind: 'backend-unavailable', code: 'SlowDown' })
    const ready = await api.call('GET', '/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.json.checks.blobs).toMatchObject({ ok: false })
    expect((await api.call('GET', '/v1/backends')).json.backends[0].trouble).toContain('SlowDown')

    server.misbehave(undefined)
    await expect.poll(async () => (await api.call('GET', '/health/ready')).status, { timeout: 20_000 }).toBe(200)
    expect((await api.call('PUT', file, { body: 'small' })).status).toBe(201)
  })
})

describe('a gateway with a directory in front of an S3 server', () => {
  it('serves what is in either, also while the server lies or is away, and moves nothing that the server gives wrong', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'before-s3-'))
    await using gateway = await system.startGateway({
      BLOBS_URL: `fs://${directory.path}`,
      BLOBS_OLDER_URLS: server.address('gateway'),
    })
    const both = apiOf(system, gateway.url)
    const stored = async (through: Api, i: number) => {
      const body = Buffer.from(bytes).fill(i, 0, 10)
      const file = `/v1/packages/${await through.createPackage()}/files/data.bin`
      const { json } = await through.call('PUT', file, { body })
      return { file, body, digest: json.digest as string }
    }
    const migrate = async (remove: boolean) => {
      const answer = await both.call('POST', '/v1/backends/migrate', { json: { from: 'older-1', to: 'primary', remove } })
      return JSON.parse(answer.bytes.toString().trimEnd().split('\n').at(-1) ?? '')
    }
    const [inBucket, alsoInBucket, inDirectory] = [await stored(api, 101), await stored(api, 102), await stored(both, 103)]
    const expectServed = async (...files: readonly Awaited<ReturnType<typeof stored>>[]) => {
      for (const { file, body } of files) expect((await both.call('GET', file)).bytes.equals(body)).toBe(true)
    }
    await expectServed(inBucket, alsoInBucket, inDirectory)

    server.misbehave(({ method, key }) =>
      method === 'GET' && key.endsWith(inBucket.digest.slice('blake3:'.length)) ? { kind: 'flip', at: 1_500_000 } : undefined,
    )
    const lied = await migrate(true)
    expect(lied).toMatchObject({ done: true, damaged: 1 })
    expect(lied.removed).toBe(lied.blobs - 1)
    server.misbehave(undefined)
    expect(await migrate(true)).toMatchObject({ done: true, blobs: 1, copied: 1, removed: 1, damaged: 0 })

    server.misbehave(() => ({ kind: 'refuse', status: 503 }))
    await expectServed(inBucket, alsoInBucket, inDirectory)
    const { json } = await both.call('GET', '/health/ready', { token: null })
    expect(json.checks).toMatchObject({ blobs: { state: 'ok' } })
    expect(await migrate(false).catch(() => 'it is not finished')).toMatchObject({ kind: 'backend-unavailable' })
    server.misbehave(undefined)
    await expect.poll(async () => (await migrate(false)).blobs, { timeout: 40_000 }).toBe(0)
  })
})
