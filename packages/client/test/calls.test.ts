import { createHash } from 'node:crypto'
import { parseDigest, parseSha256 } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { ArtifactStoreClient } from '../src/client.ts'
import { isArtifactError } from '../src/index.ts'
import { id, samplePackage } from './sample-package.ts'
import { bodyOf, eventually, quick, sendJson, sendProblem, unusedPort, useSmallServers } from './small-server.ts'

const zero = '0'.repeat(64)
const somePackage = samplePackage({ somethingNew: { from: 'the future' } })
const someFile = { path: 'a', digest: `blake3:${zero}`, sha256: `sha256:${zero}`, size: 3, mediaType: 'text/plain' }

const serve = useSmallServers()

describe.each([
  ['Node’s own client', {}],
  ['a given fetch', { fetch: globalThis.fetch }],
])('a call over %s', (_, options) => {
  it('carries the token, and its answer keeps fields that this client does not know', async () => {
    const server = await serve((_request, response) => sendJson(response, 200, somePackage))
    using client = server.client(options)
    const found = await client.packages.get(id)
    expect(found['somethingNew']).toEqual({ from: 'the future' })
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
  })

  it('is made again after 503 and after a broken connection, with the same idempotency key', async () => {
    let calls = 0
    const server = await serve((request, response) => {
      calls++
      if (calls === 1) sendProblem(response, 503, 'log-unavailable', 'not now')
      else if (calls === 2) request.socket.destroy()
      else sendJson(response, 201, somePackage)
    })
    using client = server.client(options)
    await client.packages.create({ name: 'ci/nightly', kind: 'evidence' })
    const keys = server.requests.map(request => request.headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  it('becomes an error of the problem’s kind, with its sentence and details, and is not made again', async () => {
    const server = await serve((_request, response) => sendProblem(response, 409, 'package-sealed', 'it is sealed'))
    using client = server.client(options)
    const error = await client.packages.finalize(id).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ kind: 'package-sealed', message: 'it is sealed', details: { some: 'detail', status: 409 } })
    expect(server.requests).toHaveLength(1)
  })

  it('opens a streamed body anew for every attempt, and declares its length', async () => {
    let calls = 0
    const bodies: string[] = []
    const server = await serve(async (request, response) => {
      bodies.push((await bodyOf(request)).toString())
      if (++calls === 1) sendProblem(response, 503, 'overloaded', 'not now')
      else sendJson(response, 201, someFile)
    })
    using client = server.client(options)
    async function* body() {
      yield Buffer.from('ab')
      yield Buffer.from('c')
    }
    await client.files.put(id, 'a', { body, size: 3 })
    expect(bodies).toEqual(['abc', 'abc'])
    expect(server.requests.map(request => request.headers['content-length'])).toEqual(['3', '3'])
  })

  it('ends with the reason of its signal', async () => {
    const server = await serve(() => {})
    using client = server.client(options)
    const stop = new AbortController()
    const call = client.packages.get(id, { signal: stop.signal })
    await eventually(() => server.requests.length === 1)
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(call).rejects.toBe(reason)
  })
})

describe('a call', () => {
  it('to where nothing listens says so, naming the address', async () => {
    const url = `http://127.0.0.1:${await unusedPort()}`
    using client = new ArtifactStoreClient({ url, token: 't', retry: quick })
    const error = await client.packages.get(id).catch((caught: unknown) => caught)
    expect(isArtifactError(error, 'backend-unavailable')).toBe(true)
    expect(String(error)).toContain(`nothing answers at ${url}`)
  })

  it('that something else answers says that it is no artifact store', async () => {
    const server = await serve((_request, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>nginx</h1>'),
    )
    using client = server.client()
    await expect(client.packages.get(id)).rejects.toMatchObject({
      kind: 'internal',
      details: { status: 404, text: '<h1>nginx</h1>' },
    })
  })

  it('keeps a kind of problem that it does not know as internal, with its type', async () => {
    const server = await serve((_request, response) => sendProblem(response, 418, 'tea-only', 'no coffee'))
    using client = server.client()
    await expect(client.packages.get(id)).rejects.toMatchObject({
      kind: 'internal',
      message: 'no coffee',
      details: { type: 'https://artifact-store.example/problems/tea-only' },
    })
  })

  it('is refused without a byte of a large body having been sent', async () => {
    let received = 0
    const server = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      sendProblem(response, 409, 'package-sealed', 'it is sealed')
    })
    // Node's server asks for the body by itself unless somebody listens for the question.
    server.answerExpectations((_request, response) => sendProblem(response, 409, 'package-sealed', 'it is sealed'))
    using client = server.client()
    let opened = 0
    async function* body() {
      opened++
      yield Buffer.alloc(2 * 1024 * 1024)
    }
    await expect(client.files.put(id, 'a', { body, size: 2 * 1024 * 1024 })).rejects.toMatchObject({ kind: 'package-sealed' })
    expect({ received, opened }).toEqual({ received: 0, opened: 0 })
  })

  it('that is refused half way through its body stops sending and gives the connection up', async () => {
    const server = await serve((request, response) => {
      request.on('error', () => {}).resume()
      request.once('data', () => {
        sendProblem(response, 409, 'path-taken', 'other bytes are there')
      })
    })
    using client = server.client()
    let closed = false
    async function* body() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        closed = true
      }
    }
    await expect(client.files.put(id, 'a', { body })).rejects.toMatchObject({ kind: 'path-taken' })
    await eventually(() => closed)
    await eventually(async () => (await server.connections()) === 0)
  })

  it('carries the position of its last write into the reads that follow', async () => {
    const server = await serve((request, response) => {
      if (request.method === 'POST') sendJson(response, 201, somePackage, { 'artifact-position': '42' })
      else sendJson(response, 200, somePackage)
    })
    using client = server.client()
    await client.packages.create({ name: 'ci/nightly', kind: 'evidence' })
    await client.packages.get(id)
    expect(server.requests[1]?.headers['artifact-min-position']).toBe('42')
  })

  it('sends every legal path so that the server gets it back by decoding each segment once', async () => {
    const server = await serve((_request, response) => sendJson(response, 201, someFile))
    using client = server.client()
    const path = 'dir with space/100%/a%2fb/q?x#y&z=1;+/ünïcödé 🎉.txt'
    await client.files.put(id, path, { body: 'abc' })
    const segments = (server.requests[0]?.url ?? '').split('/files/')[1]?.split('/').map(decodeURIComponent)
    expect(segments).toEqual(path.split('/'))
    await expect(client.files.put(id, '../escape', { body: 'abc' })).rejects.toMatchObject({ kind: 'invalid-path' })
  })

  it('sends both digests of a file as Repr-Digest', async () => {
    const server = await serve((_request, response) => sendJson(response, 201, someFile))
    using client = server.client()
    const hex = createHash('sha256').update('abc').digest()
    await client.files.put(id, 'a', {
      body: 'abc',
      sha256: parseSha256(`sha256:${hex.toString('hex')}`),
      digest: parseDigest(`blake3:${zero}`),
    })
    expect(server.requests[0]?.headers['repr-digest']).toBe(`sha-256=:${hex.toString('base64')}:, blake3=:${'A'.repeat(43)}=:`)
  })

  it('to issue a token is never made twice', async () => {
    const server = await serve((_request, response) => sendProblem(response, 503, 'log-unavailable', 'not now'))
    using client = server.client()
    await expect(client.tokens.issue({ actor: 'ci', scopes: ['read'] })).rejects.toMatchObject({ kind: 'log-unavailable' })
    expect(server.requests).toHaveLength(1)
  })

  it('to remove a file counts as done when only the answer of an earlier attempt was lost', async () => {
    let calls = 0
    const server = await serve((request, response) => {
      if (++calls === 1) request.socket.destroy()
      else sendProblem(response, 404, 'file-not-found', 'there is no such file')
    })
    using client = server.client()
    await client.files.remove(id, 'a')
    await expect(client.files.remove(id, 'a')).rejects.toMatchObject({ kind: 'file-not-found' })
  })
})
