import { mkdtempDisposable, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashBytes } from '@artifact-store/blobs'
import { describe, expect, it } from 'vitest'
import { pull } from '../src/index.ts'
import { id, samplePackage } from './sample-package.ts'
import { type Handler, type SmallServer, sendJson, useSmallServers } from './small-server.ts'

const start = useSmallServers()
const bytes = Buffer.from('the very bytes of the file, as they were pushed')
const others = Buffer.from('the very bytes of the file, as they were pashed')

function send(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const part = content.subarray(from)
  const range = from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': part.length, etag: '"md5"', ...range }).end(part)
}

/** A gateway with one file that says to who prefers it that the bytes are at `location`. */
async function gateway(location: string): Promise<SmallServer> {
  const file = { path: 'file', ...(await hashBytes(bytes)), mediaType: 'text/plain' }
  const found = samplePackage({ state: 'finalized', fileCount: 1, totalSize: bytes.length, revision: 3 })
  return start((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    if (pathname === `/v1/packages/${id}`) return sendJson(response, 200, found)
    if (pathname === `/v1/packages/${id}/files`) return sendJson(response, 200, { files: [file] })
    if (request.headers['prefer'] === 'redirect') return response.writeHead(307, { location }).end()
    return send(request, response, bytes)
  })
}

/** What was pulled, and how often the gateway was asked for the bytes themselves. */
async function pulled(from: SmallServer): Promise<{ content: Buffer; direct: number }> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'elsewhere-'))
  using client = from.client()
  await pull(client, id, directory.path)
  const content = await readFile(join(directory.path, 'file'))
  const ofFile = from.requests.filter(({ url, headers }) => url?.endsWith('/files/file') && headers['prefer'] === undefined)
  return { content, direct: ofFile.length }
}

describe('a pull from a store whose bytes are elsewhere', () => {
  it('takes them from there, and tells nobody there its token', async () => {
    const elsewhere = await start((request, response) => send(request, response, bytes))
    expect(await pulled(await gateway(`${elsewhere.url}/bucket/key?signature=x`))).toEqual({ content: bytes, direct: 0 })
    expect(elsewhere.requests.map(({ url }) => url)).toEqual(['/bucket/key?signature=x'])
    expect(elsewhere.requests[0]?.headers.authorization).toBeUndefined()
  })

  it.each<[string, Handler]>([
    ['are others', (request, response) => send(request, response, others)],
    ['are too many', (request, response) => send(request, response, Buffer.concat([bytes, bytes]))],
    ['are too few', (request, response) => send(request, response, bytes.subarray(1))],
    ['are refused', (_, response) => void response.writeHead(403).end('<Error/>')],
    ['are not there', (_, response) => void response.writeHead(404).end()],
    ['are elsewhere again', (_, response) => void response.writeHead(302, { location: 'http://x' }).end()],
    [
      'break off',
      (_, response) =>
        void response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 9), () => response.destroy()),
    ],
    ['do not come', request => void request.socket.destroy()],
  ])('asks the store itself where they %s', async (_, handler) => {
    const elsewhere = await start(handler)
    expect(await pulled(await gateway(`${elsewhere.url}/key`))).toMatchObject({ content: bytes, direct: 1 })
    expect(elsewhere.requests.length).toBe(1)
  })

  it.each(['ftp://x/y', 'file:///etc/passwd', 'http://['])('asks the store itself where that is %s', async place => {
    expect(await pulled(await gateway(place))).toEqual({ content: bytes, direct: 1 })
  })

  it('refuses bytes of the store itself that are not the file', async () => {
    const found = samplePackage({ state: 'finalized', fileCount: 1, totalSize: bytes.length, revision: 3 })
    const file = { path: 'file', ...(await hashBytes(bytes)), mediaType: 'text/plain' }
    const liar = await start((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://x')
      if (pathname === `/v1/packages/${id}`) return sendJson(response, 200, found)
      if (pathname === `/v1/packages/${id}/files`) return sendJson(response, 200, { files: [file] })
      return send(request, response, others)
    })
    await expect(pulled(liar)).rejects.toMatchObject({ kind: 'digest-mismatch' })
  })
})

describe('bytes that are asked for by themselves', () => {
  it('come from the store itself, but where they may come from anywhere', async () => {
    const elsewhere = await start((request, response) => send(request, response, bytes))
    const store = await gateway(`${elsewhere.url}/key`)
    using client = store.client()
    const direct = await client.files.get(id, 'file')
    expect(direct).toMatchObject({ isElsewhere: false, etag: '"md5"' })
    direct.body.destroy()
    const part = await client.files.get(id, 'file', { fromAnywhere: true, range: { start: 4 } })
    expect(part).toMatchObject({ isElsewhere: true, start: 4, etag: undefined, size: bytes.length - 4 })
    expect(Buffer.concat(await part.body.toArray())).toEqual(bytes.subarray(4))
  })

  it('are not followed elsewhere by a `fetch` of the caller’s either', async () => {
    const elsewhere = await start((request, response) => send(request, response, bytes))
    using client = (await gateway(`${elsewhere.url}/key`)).client({ fetch: globalThis.fetch })
    const answer = await client.files.get(id, 'file', { fromAnywhere: true })
    expect(answer.isElsewhere).toBe(true)
    answer.body.destroy()
    expect(elsewhere.requests[0]?.headers.authorization).toBeUndefined()
  })
})
