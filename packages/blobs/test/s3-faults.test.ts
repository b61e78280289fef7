import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { content, listed, mebibyte, put, readAll, stream } from '../src/conformance/content.ts'
import { checkedBlobStore } from '../src/index.ts'
import { type S3UnderTest, startS3UnderTest } from './s3-under-test.ts'

let s3: S3UnderTest
beforeAll(async () => {
  s3 = await startS3UnderTest()
})
afterEach(() => s3.server.misbehave(undefined))
afterAll(() => s3[Symbol.asyncDispose]())

const size = 3 * mebibyte + 5

describe('a server that serves wrong bytes', () => {
  const misdeeds = [
    { title: 'flips the first bit', misdeed: { kind: 'flip', at: 0 } },
    { title: 'flips a bit in the middle', misdeed: { kind: 'flip', at: 1_500_000 } },
    { title: 'flips a bit of the last byte', misdeed: { kind: 'flip', at: size - 1 } },
    { title: 'drops the last byte every time', misdeed: { kind: 'truncate', to: size - 1 } },
    { title: 'serves half every time', misdeed: { kind: 'truncate', to: mebibyte } },
  ] as const
  const ranges = [undefined, { start: 0, end: 10 }, { start: 1_400_000, end: 1_600_000 }, { start: size - 1, end: size }]

  for (const { title, misdeed } of misdeeds) {
    it.for(ranges)(`and ${title} never has a wrong body completed, of the range %o`, async range => {
      await using store = checkedBlobStore(await s3.open())
      const blob = await content(size)
      await store.put(stream(blob.bytes))
      s3.server.misbehave(({ method, key }) => (method === 'GET' && key.includes('/blobs/') ? misdeed : undefined))
      const wanted = range ?? { start: 0, end: size }
      const received: Uint8Array[] = []
      const reading = async () => {
        for await (const chunk of await store.get(blob.digest, { size, range })) received.push(chunk)
      }
      const outcome = await reading().catch((error: unknown) => error)
      const bytes = Buffer.concat(received)
      if (outcome === undefined) expect(bytes.equals(blob.bytes.subarray(wanted.start, wanted.end))).toBe(true)
      else expect(bytes.length).toBeLessThan(wanted.end - wanted.start)
    })
  }

  it('and keeps less than it was sent is healed by putting the bytes again', async () => {
    await using store = checkedBlobStore(await s3.open())
    const blob = await content(1000)
    await store.put(stream(blob.bytes))
    const [key = ''] = [...s3.server.state.objects.keys()].filter(name => name.endsWith(blob.digest.slice(7))).slice(-1)
    s3.server.state.put(key, Buffer.from(blob.bytes.subarray(0, 500)))
    await expect(async () => readAll(await store.get(blob.digest, { size: 1000 }))).rejects.toMatchObject({
      kind: 'blob-corrupt',
    })
    await store.put(stream(blob.bytes))
    expect(await readAll(await store.get(blob.digest, { size: 1000 }))).toEqual(Buffer.from(blob.bytes))
  })
})

describe('a server that copies half of an object', () => {
  it('is not believed: the put fails and nothing stands under the digest', async () => {
    await using halves = await startS3UnderTest({ quirks: { copiesHalf: true } })
    expect(halves.findings.find(({ capability }) => capability === 'copy')).toMatchObject({ works: false })
    const trusting = halves.findings.map(finding => ({ ...finding, works: true }))
    await using store = await halves.open({ findings: trusting })
    const blob = await content(size)
    await expect(put(store, blob)).rejects.toMatchObject({
      kind: 'backend-unavailable',
      details: { expectedBytes: size, storedBytes: Math.floor(size / 2) },
    })
    expect(await listed(store)).toEqual([])
    expect(await halves.residue()).toEqual([])
  })
})

describe('a server that goes away', () => {
  it('makes calls fail after some attempts, and the next ones at once', async () => {
    await using store = await s3.open({ circuit: { firstMs: 600_000 } })
    const blob = await content(1000)
    let asked = 0
    s3.server.misbehave(() => {
      asked += 1
      return { kind: 'refuse', status: 503 }
    })
    await expect(put(store, blob)).rejects.toMatchObject({
      kind: 'backend-unavailable',
      details: { code: 'SlowDown', status: 503 },
    })
    expect(asked).toBe(5)
    await expect(put(store, blob)).rejects.toMatchObject({
      kind: 'backend-unavailable',
      message: expect.stringContaining('it is tried again in 600 s'),
      details: { retryAfterSeconds: 600 },
    })
    expect(asked).toBe(5)
    expect(store.report().trouble).toContain('SlowDown')
  })

  it('is tried now and then, and works again when it is back', async () => {
    await using store = await s3.open({ circuit: { firstMs: 50, longestMs: 100 } })
    const blob = await content(1000)
    s3.server.misbehave(() => ({ kind: 'refuse', status: 503 }))
    const outcome = () =>
      put(store, blob).then(
        () => 'kept',
        () => 'refused',
      )
    for (let times = 0; times < 10; times += 1) expect(await outcome()).toBe('refused')
    s3.server.misbehave(undefined)
    await expect.poll(outcome, { timeout: 25_000 }).toBe('kept')
    expect(store.report().trouble).toBeUndefined()
  })

  it('half way through a large put leaves nothing that is not collected once it is back', async () => {
    await using store = await s3.open({ upkeepEveryMs: 50 })
    const blob = await content(size)
    s3.server.misbehave(({ query }) => (query.has('uploads') ? undefined : { kind: 'refuse', status: 500 }))
    await expect(put(store, blob)).rejects.toMatchObject({ kind: 'backend-unavailable' })
    expect(await s3.residue()).toHaveLength(1)
    s3.server.misbehave(undefined)
    await expect.poll(() => s3.residue(), { timeout: 25_000 }).toEqual([])
    expect(await listed(store)).toEqual([])
  })

  it('may do so before the store is opened: it is examined as soon as it is there', async () => {
    s3.server.misbehave(() => ({ kind: 'hang-up' }))
    await using store = await s3.open({ findings: undefined })
    await expect(store.probe()).rejects.toMatchObject({ kind: 'backend-unavailable' })
    expect(store.report()).toMatchObject({ findings: [], trouble: expect.any(String) })
    s3.server.misbehave(undefined)
    await expect.poll(() => store.report().findings.length, { timeout: 25_000 }).toBe(7)
    expect(store.report().trouble).toBeUndefined()
  })

  it('with its bucket is an error and not a missing blob', async () => {
    await using store = await s3.open()
    const { digest } = await content(1000)
    s3.server.rename('another')
    const gone = { kind: 'backend-unavailable', message: expect.stringContaining('make the bucket "artifacts"') }
    await expect(store.stat(digest)).rejects.toMatchObject(gone)
    await expect(store.get(digest)).rejects.toMatchObject(gone)
    await expect(store.delete(digest)).rejects.toMatchObject(gone)
    await expect(listed(store)).rejects.toMatchObject(gone)
    await expect(store.probe()).rejects.toMatchObject(gone)
    s3.server.rename('artifacts')
  })

  it('is told apart from one that does not let us in', async () => {
    await using store = await s3.open({ credentials: { accessKeyId: 'test-access-key', secretAccessKey: 'wrong' } })
    await expect(store.probe()).rejects.toMatchObject({
      kind: 'backend-unavailable',
      message: expect.stringContaining('check the credentials'),
      details: { code: 'SignatureDoesNotMatch', status: 403 },
    })
  })
})
