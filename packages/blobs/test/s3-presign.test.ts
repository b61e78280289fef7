import { afterAll, describe, expect, it } from 'vitest'
import { content, put } from '../src/conformance/content.ts'
import { type BlobStore, openMemoryBlobStore, severalBlobStores } from '../src/index.ts'
import { startS3UnderTest } from './s3-under-test.ts'

const bucket = await startS3UnderTest()
afterAll(() => bucket[Symbol.asyncDispose]())

const asked = { seconds: 300, mediaType: 'text/plain', disposition: 'attachment; filename="a b.txt"' }

describe('an address at which a blob can be fetched', () => {
  it('opens this blob for whoever has it, with what was asked to be said of it', async () => {
    await using store = await bucket.open()
    const { bytes, digest } = await content(2_000_000)
    await put(store, { bytes, digest })
    const address = (await store.presignGet?.(digest, asked)) ?? ''
    const answer = await fetch(address)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain')
    expect(answer.headers.get('content-disposition')).toBe(asked.disposition)
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    const part = await fetch(address, { headers: { range: 'bytes=1000000-' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000))).toBe(true)
  })

  it('opens nothing else, and allows nothing else', async () => {
    await using store = await bucket.open()
    const [mine, other] = [await content(1000, 1), await content(1000, 2)]
    for (const { bytes, digest } of [mine, other]) await put(store, { bytes, digest })
    const address = (await store.presignGet?.(mine.digest, asked)) ?? ''
    expect((await fetch(address.replace(mine.digest.slice(7), other.digest.slice(7)))).status).toBe(403)
    expect((await fetch(address.replace('text%2Fplain', 'text%2Fhtml'))).status).toBe(403)
    expect((await fetch(address, { method: 'PUT', body: 'x' })).status).toBe(403)
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(403)
  })

  it('is good until its time is over', async () => {
    await using store = await bucket.open()
    const { bytes, digest } = await content(1000)
    await put(store, { bytes, digest })
    const address = (await store.presignGet?.(digest, { ...asked, seconds: 1 })) ?? ''
    await expect.poll(async () => (await fetch(address)).status, { timeout: 10_000 }).toBe(403)
  })

  it('names the server as clients reach it', async () => {
    await using store = await bucket.open({ publicEndpoint: 'https://files.example.org/s3' })
    const { digest } = await content(1000)
    expect(await store.presignGet?.(digest, asked)).toMatch(/^https:\/\/files\.example\.org\/s3\/artifacts\//)
  })
})

describe('of several stores, an address', () => {
  const several = async (primary: BlobStore, older: BlobStore) => severalBlobStores({ primary, replicas: [], older: [older] })

  it('is given by the one that has the blob', async () => {
    const older = await bucket.open()
    const { bytes, digest } = await content(1000)
    await put(older, { bytes, digest })
    await using store = await several(await openMemoryBlobStore(), older)
    const answer = await fetch((await store.presignGet?.(digest, asked)) ?? '')
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
  })

  it('is not given where that one has none to give, or none has the blob', async () => {
    await using store = await several(await openMemoryBlobStore(), await bucket.open())
    const { bytes, digest } = await content(1000, 1)
    await put(store, { bytes, digest })
    expect(await store.presignGet?.(digest, asked)).toBeUndefined()
    expect(await store.presignGet?.((await content(1000, 2)).digest, asked)).toBeUndefined()
  })
})
