import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashBytes } from '@artifact-store/blobs'
import { describe, expect, it } from 'vitest'
import { pull } from '../src/index.ts'
import { id, samplePackage } from './sample-package.ts'
import { type Handler, SmallServer, sendJson } from './small-server.ts'

/** A gateway that serves these files by the API's rules, but for what `tamper` answers in its place. */
async function serve(
  files: Readonly<Record<string, Buffer>>,
  tamper?: (path: string, request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<SmallServer> {
  const listed = await Promise.all(
    Object.entries(files).map(async ([path, bytes]) => ({
      path,
      ...(await hashBytes(bytes)),
      mediaType: 'application/octet-stream',
    })),
  )
  const found = samplePackage({
    state: 'finalized',
    fileCount: listed.length,
    totalSize: listed.reduce((sum, file) => sum + file.size, 0),
    revision: 3,
  })
  const handler: Handler = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
    if (pathname === `/v1/packages/${id}`) return sendJson(response, 200, found)
    if (pathname === `/v1/packages/${id}/files`) {
      // Pages of two, whatever is asked for.
      const from = Number(searchParams.get('cursor') ?? 0)
      const next = from + 2 < listed.length ? { next: String(from + 2) } : {}
      return sendJson(response, 200, { files: listed.slice(from, from + 2), ...next })
    }
    const path = decodeURIComponent(pathname.split('/files/')[1] ?? '')
    if (tamper?.(path, request, response)) return undefined
    return sendBytes(request, response, files[path] ?? Buffer.alloc(0))
  }
  return SmallServer.start(handler)
}

function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const part = bytes.subarray(start)
  const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': part.length, ...range }).end(part)
}

const bytesOf = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 31) % 256))

describe('a pull', () => {
  it('lays all files out, keeps on a second run what is there, and leaves nothing else behind', async () => {
    const files = {
      'a.txt': Buffer.from('a'),
      'deep/er/b.bin': bytesOf(100_000),
      'deep/empty': Buffer.alloc(0),
      'ü/🎉': Buffer.from('!'),
      z: Buffer.from('z'),
    }
    await using server = await serve(files)
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    const target = join(directory.path, 'new', 'place')
    expect(await pull(client, id, target)).toMatchObject({ files: 5, keptFiles: 0, fetchedBytes: 100_003 })
    for (const [path, bytes] of Object.entries(files)) expect(await readFile(join(target, path))).toEqual(bytes)
    expect(await pull(client, id, target)).toMatchObject({ files: 5, keptFiles: 5, fetchedBytes: 0 })
    expect((await readdir(target)).toSorted()).toEqual(['a.txt', 'deep', 'z', 'ü'])
  })

  it('goes on where a broken connection stopped, and still proves the whole', async () => {
    const bytes = bytesOf(300_000)
    await using server = await serve({ big: bytes }, (_path, request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      if (start >= 200_000) return false
      const range = start > 0 ? { 'content-range': `bytes ${start}-299999/300000` } : {}
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': 300_000 - start, ...range })
      response.write(bytes.subarray(start, start + 100_000), () => request.socket.end())
      return true
    })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    expect(await pull(client, id, directory.path)).toMatchObject({ files: 1, bytes: 300_000 })
    expect(await readFile(join(directory.path, 'big'))).toEqual(bytes)
    const starts = server.requests.flatMap(({ headers }) => /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? []).map(Number)
    expect(starts.length).toBeGreaterThan(0)
    // Nothing that had come was asked for again from the beginning.
    expect(starts).toEqual([...new Set(starts)].toSorted((a, b) => a - b))
    expect(starts.at(-1)).toBeGreaterThanOrEqual(200_000)
  })

  it('begins anew where ranges are not known on the way', async () => {
    const bytes = bytesOf(200_000)
    let first = true
    await using server = await serve({ big: bytes }, (_path, request, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      if (first) response.write(bytes.subarray(0, 100_000), () => request.socket.end())
      else response.end(bytes)
      first = false
      return true
    })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    await pull(client, id, directory.path)
    expect(await readFile(join(directory.path, 'big'))).toEqual(bytes)
  })

  it.each([
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes.map(byte => byte ^ 1))],
    ['fewer bytes', (bytes: Buffer) => bytes.subarray(1)],
    ['more bytes', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ])('keeps nothing of a file that comes with %s', async (_, change) => {
    const bytes = bytesOf(1000)
    await using server = await serve({ file: bytes }, (_path, request, response) => {
      sendBytes(request, response, change(bytes))
      return true
    })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    await expect(pull(client, id, directory.path)).rejects.toMatchObject({ kind: 'digest-mismatch', details: { path: 'file' } })
    expect(await readdir(directory.path)).toEqual([])
  })

  it.each(['../outside', '/etc/outside', 'a/../../outside', 'a\\..\\outside', '.'])(
    'refuses a path such as %s, wherever it comes from',
    async path => {
      await using server = await serve({ [path]: Buffer.from('x') })
      using client = server.client()
      await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
      const target = join(directory.path, 'target')
      await expect(pull(client, id, target)).rejects.toMatchObject({ kind: 'invalid-path' })
      expect(await readdir(directory.path)).toEqual(['target'])
      expect(await readdir(target)).toEqual([])
    },
  )

  it('never writes through a link that lies in the directory', async () => {
    await using server = await serve({ 'linked/file': Buffer.from('x'), file: Buffer.from('y'), fine: Buffer.from('z') })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    const [target, elsewhere] = [join(directory.path, 'target'), join(directory.path, 'elsewhere')]
    await mkdir(target)
    await mkdir(elsewhere)
    await symlink(elsewhere, join(target, 'linked'))
    await symlink(join(elsewhere, 'file'), join(target, 'file'))
    await expect(pull(client, id, target)).rejects.toMatchObject({ kind: 'path-taken', details: { count: 2 } })
    expect(await readdir(elsewhere)).toEqual([])
    expect((await readdir(target)).toSorted()).toEqual(['file', 'fine', 'linked'])
  })

  it('leaves what is in the way as it was, names it, and brings everything else', async () => {
    await using server = await serve({ 'a/b': Buffer.from('new'), c: Buffer.from('new'), d: Buffer.from('new') })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    await writeFile(join(directory.path, 'a'), 'mine: a file where a directory is needed')
    await writeFile(join(directory.path, 'c'), 'old')
    await writeFile(join(directory.path, 'unrelated'), 'mine')
    const refused = await pull(client, id, directory.path).catch((error: unknown) => error)
    expect(refused).toMatchObject({ kind: 'path-taken', details: { taken: expect.arrayContaining(['a/b', 'c']) } })
    const read = async (name: string) => readFile(join(directory.path, name), 'utf8')
    expect(await Promise.all(['a', 'c', 'd', 'unrelated'].map(read))).toEqual([
      'mine: a file where a directory is needed',
      'old',
      'new',
      'mine',
    ])
  })

  it('stopped half way leaves only whole files', async () => {
    const stop = new AbortController()
    await using server = await serve({ a: Buffer.from('a'), big: bytesOf(100_000) }, (path, _request, response) => {
      if (path !== 'big') return false
      response
        .writeHead(200, { 'content-length': 100_000 })
        .write(bytesOf(50_000), () => setImmediate(() => stop.abort(new Error('enough'))))
      return true
    })
    using client = server.client()
    await using directory = await mkdtempDisposable(join(tmpdir(), 'pull-'))
    await expect(pull(client, id, directory.path, { concurrency: 1, signal: stop.signal })).rejects.toThrow('enough')
    expect(await readdir(directory.path)).toEqual(['a'])
  })
})
