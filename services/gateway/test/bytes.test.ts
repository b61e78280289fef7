import { truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api
let address: string
let etag: string
const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251))

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
  const id = await api.createPackage()
  address = `/v1/packages/${id}/files/some/data.bin`
  const put = await api.call('PUT', address, { body: bytes })
  etag = `"${put.json.digest}"`
})
afterAll(() => system[Symbol.asyncDispose]())

describe('the bytes of a file', () => {
  it('come whole, with length, validator and both digests', async () => {
    const answer = await api.call('GET', address)
    expect(answer.status).toBe(200)
    expect(answer.bytes.equals(bytes)).toBe(true)
    expect(answer.headers.get('content-length')).toBe(String(bytes.length))
    expect(answer.headers.get('etag')).toBe(etag)
    expect(answer.headers.get('repr-digest')).toMatch(/^sha-256=:.{44}:, blake3=:.{44}:$/)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('have a head that says the same without them', async () => {
    const head = await api.call('HEAD', address)
    expect(head.status).toBe(200)
    expect(head.bytes).toHaveLength(0)
    expect(head.headers.get('content-length')).toBe(String(bytes.length))
    expect(head.headers.get('etag')).toBe(etag)
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 3_000_000],
    ['bytes=1048570-1048580', 1_048_570, 1_048_581],
    ['bytes=2999999-', 2_999_999, 3_000_000],
    ['bytes=2999990-9999999', 2_999_990, 3_000_000],
    ['bytes=-5', 2_999_995, 3_000_000],
    ['bytes=-9999999', 0, 3_000_000],
  ])('come in part for %s', async (range, start, end) => {
    const answer = await api.call('GET', address, { headers: { range } })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${bytes.length}`)
    expect(answer.bytes.equals(bytes.subarray(start, end))).toBe(true)
  })

  it('come in several parts where several ranges are asked for', async () => {
    const answer = await api.call('GET', address, { headers: { range: 'bytes=0-99, 1048000-1049000 ,-100' } })
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
    expect(answer.headers.get('content-range')).toBeNull()
    const parts = partsOf(answer)
    expect(parts.map(({ head }) => head)).toEqual([
      ['Content-Type: application/octet-stream', 'Content-Range: bytes 0-99/3000000'],
      ['Content-Type: application/octet-stream', 'Content-Range: bytes 1048000-1049000/3000000'],
      ['Content-Type: application/octet-stream', 'Content-Range: bytes 2999900-2999999/3000000'],
    ])
    expect(
      Buffer.concat(parts.map(({ content }) => content)).equals(
        expected([0, 100], [1_048_000, 1_049_001], [2_999_900, 3_000_000]),
      ),
    ).toBe(true)
  })

  it('come in one part where the ranges touch, and no byte comes twice', async () => {
    const answer = await api.call('GET', address, { headers: { range: 'bytes=500-999,0-99,90-600' } })
    expect(answer.headers.get('content-range')).toBe('bytes 0-999/3000000')
    expect(answer.bytes.equals(bytes.subarray(0, 1000))).toBe(true)
  })

  it('are refused with their length where a range begins behind them', async () => {
    const answer = await api.call('GET', address, { headers: { range: 'bytes=3000000-' } })
    expect(answer.status).toBe(416)
    expect(answer.headers.get('content-range')).toBe('bytes */3000000')
  })

  it('have the whole’s head also where a range is asked for, which HEAD does not know', async () => {
    const head = await api.call('HEAD', address, { headers: { range: 'bytes=0-0' } })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String(bytes.length))
  })

  it('come with the digests that are wanted', async () => {
    const digestsFor = async (wanted: string) =>
      (await api.call('HEAD', address, { headers: { 'want-repr-digest': wanted } })).headers.get('repr-digest')
    expect(await digestsFor('sha-256=1')).toMatch(/^sha-256=:.{44}:$/)
    expect(await digestsFor('sha-256=1, blake3=10')).toMatch(/^blake3=:.{44}:, sha-256=:.{44}:$/)
    expect(await digestsFor('sha-512=10, sha-256=0')).toBeNull()
    expect(await digestsFor('all of them')).toMatch(/^sha-256=:.{44}:, blake3=:.{44}:$/)
  })

  it('are saved under the last segment of their path', async () => {
    const id = await api.createPackage()
    const save = async (path: string) => {
      const file = `/v1/packages/${id}/files/${path.split('/').map(encodeURIComponent).join('/')}`
      await api.call('PUT', file, { body: path })
      return (await api.call('GET', file)).headers.get('content-disposition')
    }
    expect(await save('logs/build 1.txt')).toBe('attachment; filename="build 1.txt"')
    expect(await save('Übersicht – 50%.pdf')).toBe(
      `attachment; filename="_bersicht _ 50_.pdf"; filename*=UTF-8''%C3%9Cbersicht%20%E2%80%93%2050%25.pdf`,
    )
    expect(await save('it\'s (new) 🚀".txt')).toBe(
      `attachment; filename="it's (new) __.txt"; filename*=UTF-8''it%27s%20%28new%29%20%F0%9F%9A%80%22.txt`,
    )
  })

  it.each(['bytes=5-2', 'lines=1-2', 'bytes=a-b', 'bytes=', 'bytes=0-1,x'])(
    'come whole for %s, which is no range of bytes',
    async range => {
      const answer = await api.call('GET', address, { headers: { range } })
      expect(answer.status).toBe(200)
      expect(answer.bytes.length).toBe(bytes.length)
    },
  )

  it('are not sent again to one who has them', async () => {
    expect((await api.call('GET', address, { headers: { 'if-none-match': `"other", ${etag}` } })).status).toBe(304)
    expect((await api.call('GET', address, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    expect((await api.call('GET', address, { headers: { 'if-match': '"other"' } })).json.type).toMatch(/precondition-failed$/)
  })

  it('are kept by a client until asked again while the package is open, and for good when it is finalized', async () => {
    const id = await api.createPackage()
    const file = `/v1/packages/${id}/files/x`
    await api.call('PUT', file, { body: 'first' })
    expect((await api.call('GET', file)).headers.get('cache-control')).toBe('private, no-cache')
    await api.call('DELETE', file)
    await api.call('PUT', file, { body: 'second' })
    expect((await api.call('GET', file)).bytes.toString()).toBe('second')
    await api.call('POST', `/v1/packages/${id}/finalize`)
    expect((await api.call('GET', file)).headers.get('cache-control')).toBe('private, max-age=31536000, immutable')
    expect((await api.call('GET', `/v1/packages/${id}/manifest`)).headers.get('cache-control')).toContain('immutable')
  })

  it('are resumed only if they are the same', async () => {
    expect((await api.call('GET', address, { headers: { range: 'bytes=10-', 'if-range': etag } })).status).toBe(206)
    expect((await api.call('GET', address, { headers: { range: 'bytes=10-', 'if-range': '"other"' } })).status).toBe(200)
  })

  it('are had by either digest', async () => {
    const stored = await api.call('PUT', `/v1/blobs/${etag.slice(1, -1)}`, { body: bytes })
    expect(stored.status).toBe(200)
    expect((await api.call('GET', `/v1/blobs/${stored.json.sha256}`)).bytes.equals(bytes)).toBe(true)
  })

  it('may be none', async () => {
    const id = await api.createPackage()
    expect((await api.call('PUT', `/v1/packages/${id}/files/empty`, { body: '' })).json.size).toBe(0)
    const answer = await api.call('GET', `/v1/packages/${id}/files/empty`)
    expect(answer.headers.get('content-length')).toBe('0')
    expect(answer.bytes).toHaveLength(0)
  })

  it('are asked for with 100 Continue where the client waits for it', async () => {
    const id = await api.createPackage()
    const { status, continued } = await putWithExpectation(`/v1/packages/${id}/files/x`, 'waited for')
    expect(continued).toBe(true)
    expect(status).toBe(201)
    expect((await api.call('GET', `/v1/packages/${id}/files/x`)).bytes.toString()).toBe('waited for')
  })
})

describe('bytes that rot in the store', () => {
  const hex = (digest: string) => digest.slice('blake3:'.length)
  const fileOf = (digest: string) =>
    join(system.blobs, 'blobs', 'blake3', hex(digest).slice(0, 2), hex(digest).slice(2, 4), hex(digest))

  it('are told as corrupt while they fit one chunk, and broken off when they do not', async () => {
    const id = await api.createPackage()
    const small = await api.call('PUT', `/v1/packages/${id}/files/small`, { body: 'precious' })
    await writeFile(fileOf(small.json.digest), 'Precious')
    const answer = await api.call('GET', `/v1/packages/${id}/files/small`)
    expect(answer.status).toBe(502)
    expect(answer.json.type).toMatch(/blob-corrupt$/)

    const large = Buffer.from(bytes).fill(7)
    const put = await api.call('PUT', `/v1/packages/${id}/files/large`, { body: large })
    await writeFile(fileOf(put.json.digest), Buffer.from(large).fill(8, 1_500_000, 1_500_001))
    await expect(api.call('GET', `/v1/packages/${id}/files/large`)).rejects.toThrow()
    await expect(api.call('GET', `/v1/packages/${id}/files/large`, { headers: { range: 'bytes=0-2000000' } })).rejects.toThrow()
    await truncate(fileOf(put.json.digest), 100)
    expect((await api.call('GET', `/v1/packages/${id}/files/large`)).json.type).toMatch(/blob-corrupt$/)
  })

  it('are healed by whoever sends them again', async () => {
    const id = await api.createPackage()
    const put = await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'to be healed' })
    await writeFile(fileOf(put.json.digest), 'rotten')
    expect((await api.call('PUT', `/v1/packages/${id}/files/x`, { body: 'to be healed' })).status).toBe(200)
    expect((await api.call('GET', `/v1/packages/${id}/files/x`)).bytes.toString()).toBe('to be healed')
  })
})

const expected = (...ranges: readonly (readonly [start: number, end: number])[]) =>
  Buffer.concat(ranges.map(([start, end]) => bytes.subarray(start, end)))

/** The parts of a `multipart/byteranges` body, read as RFC 2046 has it. */
function partsOf({ headers, bytes: body }: Answer): { head: readonly string[]; content: Buffer }[] {
  const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(headers.get('content-type') ?? '')?.[1]
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const places: number[] = []
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + 1)) places.push(at)
  expect(body.subarray(places.at(-1)).toString()).toBe(`${delimiter}--\r\n`)
  return places.slice(0, -1).map((place, index) => {
    const part = body.subarray(place + delimiter.length + 2, places[index + 1])
    const end = part.indexOf('\r\n\r\n')
    return { head: part.subarray(0, end).toString().split('\r\n'), content: part.subarray(end + 4) }
  })
}

function putWithExpectation(path: string, body: string): Promise<{ status: number | undefined; continued: boolean }> {
  return new Promise((resolve, reject) => {
    let continued = false
    const outgoing = request(`${system.gateway.url}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${system.token}`, expect: '100-continue', 'content-length': Buffer.byteLength(body) },
    })
    outgoing.on('continue', () => {
      continued = true
      outgoing.end(body)
    })
    outgoing.on('response', response => {
      response.resume()
      resolve({ status: response.statusCode, continued })
    })
    outgoing.on('error', reject)
    outgoing.flushHeaders()
  })
}
