import { request } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { hashBytes } from '@artifact-store/blobs'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { type Pack, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

type Named = Parameters<Pack['entry']>[0]
type Entry = readonly [header: Named | string, content?: string | Uint8Array]

async function tar(...entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const [header, content = ''] of entries) {
    archive.entry(typeof header === 'string' ? { name: header } : header, Buffer.from(content))
  }
  archive.finalize()
  return buffer(archive as AsyncIterable<Uint8Array>)
}

async function send(id: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  const answer = await api.call('POST', `/v1/packages/${id}/files`, {
    body,
    headers: { 'content-type': 'application/x-tar', ...headers },
  })
  const lines = answer.headers.get('content-type') === 'application/x-ndjson' ? linesOf(answer.bytes.toString()) : []
  return { ...answer, results: lines.slice(0, -1), last: lines.at(-1) }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into as they come
function linesOf(text: string): any[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

describe('a tar stream', () => {
  it('adds its files, small and large, and answers a line for each in its order', async () => {
    const id = await api.createPackage()
    const large = Buffer.alloc(3_000_000, 'abc')
    const sent = await send(id, await tar(['a.txt', 'a'], ['deep/er/large.bin', large], ['empty'], ['z', 'z']))
    expect(sent.status).toBe(200)
    expect(sent.results.map(({ path, status }) => [path, status])).toEqual([
      ['a.txt', 201],
      ['deep/er/large.bin', 201],
      ['empty', 201],
      ['z', 201],
    ])
    expect(sent.results[1].file).toEqual({
      path: 'deep/er/large.bin',
      ...(await hashBytes(large)),
      mediaType: 'application/octet-stream',
    })
    expect(sent.last).toMatchObject({ done: true, files: 4, added: 4, unchanged: 0, refused: 0, position: expect.any(Number) })
    expect((await api.call('GET', `/v1/packages/${id}/files/deep/er/large.bin`)).bytes.equals(large)).toBe(true)
    expect((await api.call('GET', `/v1/packages/${id}/files/z`)).bytes.toString()).toBe('z')
  })

  it('makes few events of many files', async () => {
    const id = await api.createPackage()
    const sent = await send(id, await tar(...Array.from({ length: 1200 }, (_, i): Entry => [`many/${i}`, `file ${i}`])))
    expect(sent.last).toMatchObject({ files: 1200, added: 1200 })
    const { json } = await api.call('GET', `/v1/packages/${id}`)
    expect(json.fileCount).toBe(1200)
    expect(json.revision).toBeLessThan(60)
  })

  it('may be sent again: the same bytes are unchanged, and other bytes at a path are refused', async () => {
    const id = await api.createPackage()
    await send(id, await tar(['same', '1'], ['other', '1']))
    const again = await send(id, await tar(['same', '1'], ['other', '2'], ['new', '3']))
    expect(again.results.map(({ status }) => status)).toEqual([200, 409, 201])
    expect(again.results[1].problem.type).toMatch(/path-taken$/)
    expect(again.last).toMatchObject({ files: 3, added: 1, unchanged: 1, refused: 1 })
  })

  it('refuses what is no plain file, and what cannot be a path, one by one', async () => {
    const id = await api.createPackage()
    const sent = await send(
      id,
      await tar(
        [{ name: 'directory', type: 'directory' }],
        [{ name: 'link', type: 'symlink', linkname: '/etc/passwd' }],
        [{ name: 'hard', type: 'link', linkname: 'good' }],
        [{ name: 'pipe', type: 'fifo' }],
        [{ name: 'device', type: 'character-device' }],
        ['../up', 'x'],
        ['/absolute', 'x'],
        [{ name: 'sparse', pax: { 'GNU.sparse.major': '1' } }, 'x'],
        [{ name: 'good/below' }, 'x'],
        ['good', 'x'],
        ['./plain', 'x'],
      ),
    )
    expect(sent.results.map(({ path, status }) => `${status} ${path}`)).toEqual([
      '400 link',
      '400 hard',
      '400 pipe',
      '400 device',
      '400 ../up',
      '400 /absolute',
      '400 sparse',
      '201 good/below',
      '409 good',
      '201 plain',
    ])
    expect(sent.results[0].problem.detail).toContain('symbolic link to "/etc/passwd"')
  })

  it('takes long names in every form, and refuses one that is not UTF-8', async () => {
    const id = await api.createPackage()
    const long = `${'directory/'.repeat(30)}ünï.txt`
    const gnuName = `${'g'.repeat(120)}`
    const gnu = Buffer.concat([
      withFields(await tar(['././@LongLink', `${gnuName}\0`]), { type: 'L' }).subarray(0, 1024),
      await tar(['short', 'gnu']),
    ])
    expect((await send(id, await tar([long, 'pax']))).results).toMatchObject([{ path: long, status: 201 }])
    expect((await send(id, gnu)).results).toMatchObject([{ path: gnuName, status: 201 }])
    const notUtf8 = withFields(await tar(['name-x', 'x']), { lastOfName: 0xff })
    expect((await send(id, notUtf8)).results).toMatchObject([{ path: 'name-\\xff', status: 400 }])
  })

  it('checks the digests that the archive gives, and serves the media type that it names', async () => {
    const id = await api.createPackage()
    const { digest, sha256 } = await hashBytes(Buffer.from('right'))
    const said = { 'ARTIFACTSTORE.blake3': digest, 'ARTIFACTSTORE.sha256': sha256, 'ARTIFACTSTORE.media-type': 'text/csv' }
    const sent = await send(id, await tar([{ name: 'right', pax: said }, 'right'], [{ name: 'wrong', pax: said }, 'wrong']))
    expect(sent.results).toMatchObject([
      { status: 201, file: { mediaType: 'text/csv' } },
      { status: 400, problem: { type: expect.stringMatching(/digest-mismatch$/) } },
    ])
    expect((await api.call('GET', `/v1/packages/${id}/files/wrong`)).status).toBe(404)
  })

  it('is refused whole before its first file when it is none, or may not be sent', async () => {
    const id = await api.createPackage()
    const before = await api.footprint()
    expect((await send(id, Buffer.alloc(2000, 'no tar'))).json.type).toMatch(/invalid-request$/)
    expect((await send(id, await tar(['x', 'x']), { 'content-encoding': 'gzip' })).json.type).toMatch(/unsupported-media-type$/)
    expect(
      (await send(id, await tar(['x', 'x']), { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` })).json.type,
    ).toMatch(/invalid-request$/)
    expect(await api.footprint()).toEqual(before)
    await api.call('POST', `/v1/packages/${id}/discard`)
    expect((await send(id, await tar(['x', 'x']))).json.type).toMatch(/package-sealed$/)
  })

  it('says in its last line where it stopped being a tar stream, and keeps what came before', async () => {
    const id = await api.createPackage()
    const sent = await send(id, Buffer.concat([(await tar(['first', '1'])).subarray(0, 1024), Buffer.alloc(1024, 'x')]))
    expect(sent.results).toMatchObject([{ path: 'first', status: 201 }])
    expect(sent.last).toMatchObject({ done: true, added: 1, problem: { type: expect.stringMatching(/invalid-request$/) } })
  })

  it('is answered while it still arrives, and a file that breaks off is not kept', async () => {
    const id = await api.createPackage()
    const archive = await tar(['whole', 'kept'], ['half', Buffer.alloc(2_000_000, 'h')])
    const outgoing = request(`${system.gateway.url}/v1/packages/${id}/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/x-tar', 'content-length': archive.length },
    })
    const answered = Promise.withResolvers<Readable>()
    outgoing.on('response', answered.resolve)
    outgoing.on('error', () => undefined)
    outgoing.write(archive.subarray(0, 1_000_000))
    const answer = await answered.promise
    answer.on('error', () => undefined)
    const [line] = linesOf(String(await new Promise(resolve => answer.once('data', resolve))))
    expect(line).toMatchObject({ path: 'whole', status: 201 })
    outgoing.destroy()
    expect((await api.call('GET', `/v1/packages/${id}/files/whole`)).bytes.toString()).toBe('kept')
    await expect.poll(() => api.staging()).toEqual([])
    expect((await api.call('GET', `/v1/packages/${id}/files/half`)).status).toBe(404)
  })
})

/** The archive with its first header changed, and the header's sum with it (POSIX ustar). */
function withFields(archive: Buffer, { type, lastOfName }: { type?: string; lastOfName?: number }): Buffer {
  const header = archive.subarray(0, 512)
  if (type !== undefined) header.write(type, 156)
  if (lastOfName !== undefined) header[header.indexOf(0) - 1] = lastOfName
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return archive
}
