import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { Parser } from 'tar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import yauzl from 'yauzl'
import { type Answer, type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api
let archive: string
const large = Buffer.from(Array.from({ length: 2_500_000 }, (_, i) => (i * 17) % 253))
const files: Readonly<Record<string, Buffer>> = {
  'data/large.bin': large,
  'data/none': Buffer.alloc(0),
  'Übersicht.txt': Buffer.from('overview'),
  'logs/build.log': Buffer.from('it was built\n'),
}

async function finalized(
  contents: Readonly<Record<string, Buffer>>,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const id = await api.createPackage(fields)
  for (const [path, body] of Object.entries(contents)) {
    const address = `/v1/packages/${id}/files/${path.split('/').map(encodeURIComponent).join('/')}`
    expect((await api.call('PUT', address, { body })).status).toBe(201)
  }
  expect((await api.call('POST', `/v1/packages/${id}/finalize`)).status).toBe(200)
  return id
}

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
  archive = `/v1/packages/${await finalized(files, { version: '1.2' })}/archive`
})
afterAll(() => system[Symbol.asyncDispose]())

const unpack = { tar: untar, zip: unzip }

describe.each(['tar', 'zip'] as const)('a package as %s', format => {
  const get = (headers: Readonly<Record<string, string>> = {}, address = archive) =>
    api.call('GET', `${address}?format=${format}`, { headers })

  it('has its files, byte for byte, under a name to save it by', async () => {
    const answer = await get()
    expect(answer.status).toBe(200)
    expect(await unpack[format](answer.bytes)).toEqual(new Map(Object.entries(files)))
    expect(answer.headers.get('content-length')).toBe(String(answer.bytes.length))
    expect(answer.headers.get('content-type')).toBe(`application/${format === 'tar' ? 'x-tar' : 'zip'}`)
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="nightly-1.2.${format}"`)
    expect(answer.headers.get('cache-control')).toContain('immutable')
  })

  it('is known before it is made: its head says the same', async () => {
    const [head, answer] = [await api.call('HEAD', `${archive}?format=${format}`), await get()]
    for (const name of ['content-length', 'etag', 'content-type', 'accept-ranges'])
      expect(head.headers.get(name)).toBe(answer.headers.get(name))
    expect(answer.headers.get('etag')).toMatch(new RegExp(`^"${format}-1-blake3:[0-9a-f]{64}"$`))
  })

  it('is the same wherever it is made, and continued there', async () => {
    await using other = await system.startGateway()
    const there = apiOf(system, other.url)
    const whole = await get()
    for (const start of [1, 700, 1_000_000, whole.bytes.length - 10]) {
      const headers = { range: `bytes=${start}-`, 'if-range': whole.headers.get('etag') ?? '' }
      const rest = await there.call('GET', `${archive}?format=${format}`, { headers })
      expect(rest.status).toBe(206)
      expect(Buffer.compare(rest.bytes, whole.bytes.subarray(start))).toBe(0)
    }
    const parts = await get({ range: 'bytes=0-9,2000000-2000009,-10' })
    expect(parts.headers.get('content-type')).toMatch(/^multipart\/byteranges/)
  })

  it('is not sent to one who has it', async () => {
    const etag = (await get()).headers.get('etag') ?? ''
    expect((await get({ 'if-none-match': etag })).status).toBe(304)
  })

  it('is there once the package is finalized, and not before', async () => {
    const id = await api.createPackage()
    expect((await get({}, `/v1/packages/${id}/archive`)).json.kind).toBe('package-not-finalized')
    await api.call('POST', `/v1/packages/${id}/finalize`)
    expect(await unpack[format]((await get({}, `/v1/packages/${id}/archive`)).bytes)).toEqual(new Map())
  })

  it('is broken off before a file that rots, and never completed', async () => {
    const id = await finalized({ a: Buffer.from(`first in ${format}`), b: Buffer.from(`rotten ${format}`) })
    await get({}, `/v1/packages/${id}/archive`)
    const { json } = await api.call('GET', `/v1/packages/${id}/files`)
    const digest: string = json.files[1].digest
    const hex = digest.slice('blake3:'.length)
    await writeFile(join(system.blobs, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex), `Rotten ${format}`)
    const outcome = await get({}, `/v1/packages/${id}/archive`).then(
      (answer: Answer) => answer.status,
      () => 'broken off',
    )
    expect([502, 'broken off']).toContain(outcome)
  })
})

describe('the checksums of a zip', () => {
  it('are kept, and made again where they were lost or damaged', async () => {
    const id = await finalized({ a: Buffer.from('some bytes'), b: large.subarray(0, 10_000) })
    const get = async () => (await api.call('GET', `/v1/packages/${id}/archive?format=zip`)).bytes
    const first = await get()
    const kept = await readdir(join(system.blobs, 'checksums', 'blobs'), { recursive: true, withFileTypes: true })
    const { json } = await api.call('GET', `/v1/packages/${id}`)
    const entry = kept.find(({ name }) => json.manifestDigest.endsWith(name) && name.length === 64)
    const place = join(entry?.parentPath ?? '', entry?.name ?? '')
    await rm(place)
    expect(Buffer.compare(await get(), first)).toBe(0)
    await rm(place)
    await writeFile(place, Buffer.alloc(24))
    expect(Buffer.compare(await get(), first)).toBe(0)
    await writeFile(place, 'x')
    expect(Buffer.compare(await get(), first)).toBe(0)
    expect((await unzip(first)).get('a')?.toString()).toBe('some bytes')
  })
})

it('an archive of another format is refused', async () => {
  expect((await api.call('GET', `${archive}?format=rar`)).json.kind).toBe('invalid-request')
})

async function untar(bytes: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const pending: Promise<unknown>[] = []
  const onReadEntry: ConstructorParameters<typeof Parser>[0] = {
    strict: bytes.length > 1024,
    onReadEntry: entry => pending.push(entry.concat().then(content => found.set(entry.path, Buffer.from(content)))),
  }
  new Parser(onReadEntry).end(bytes)
  await Promise.all(pending)
  return found
}

async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const zip = await yauzl.fromBufferPromise(bytes, { lazyEntries: true })
  for await (const entry of zip.eachEntry()) found.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
  return found
}
