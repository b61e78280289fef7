import { describe, expect, it } from 'vitest'
import { content, mebibyte, readAll, stream } from '../src/conformance/content.ts'
import {
  type ByteStream,
  type CheckedBlobStore,
  checkedBlobStore,
  hashBytes,
  openMemoryBlobStore,
  type PartialContent,
} from '../src/index.ts'

const nothing: PartialContent = { size: 0 }

async function append(
  { uploads }: CheckedBlobStore,
  id: string,
  from: PartialContent,
  bytes: Uint8Array,
): Promise<PartialContent> {
  await using writer = await uploads.resume(id, from, { alone: true, hash: true })
  for await (const chunk of stream(bytes)) await writer.write(chunk)
  return await writer.checkpoint()
}

/** Two processes on one backend: neither knows what the other has in its memory. */
async function twoGateways() {
  const store = await openMemoryBlobStore()
  let reads = 0
  const counted = {
    ...store,
    staging: {
      ...store.staging,
      read(...args: Parameters<typeof store.staging.read>): ByteStream {
        reads += 1
        return store.staging.read(...args)
      },
    },
  }
  return { here: checkedBlobStore(counted), there: checkedBlobStore(counted), reads: () => reads }
}

describe('an upload in pieces, behind the checks', () => {
  it('has both digests of the whole, and is not read again while one process takes it in', async () => {
    const { here, reads } = await twoGateways()
    const { bytes } = await content(3 * mebibyte + 1)
    let upload = nothing
    for (let at = 0; at < bytes.length; at += 1_000_003)
      upload = await append(here, 'a', upload, bytes.subarray(at, at + 1_000_003))
    const digests = await here.uploads.identify('a', upload)
    expect(digests).toEqual(await hashBytes(bytes))
    expect(reads()).toBe(0)
    await here.uploads.publish('a', upload, digests)
    expect(Buffer.compare(await readAll(await here.get(digests.digest, { size: bytes.length })), bytes)).toBe(0)
  })

  it('goes on in another process, and is read once, in the end', async () => {
    const { here, there, reads } = await twoGateways()
    const { bytes } = await content(2 * mebibyte)
    let upload = await append(here, 'a', nothing, bytes.subarray(0, 700_000))
    upload = await append(there, 'a', upload, bytes.subarray(700_000, 1_500_000))
    upload = await append(here, 'a', upload, bytes.subarray(1_500_000))
    expect(reads()).toBe(0)
    expect(await here.uploads.identify('a', upload)).toEqual(await hashBytes(bytes))
    expect(reads()).toBe(1)
  })

  it('is not confused by what a process remembers of a piece that never counted', async () => {
    const { here, there } = await twoGateways()
    const { bytes } = await content(mebibyte)
    const first = await append(here, 'a', nothing, bytes.subarray(0, 1000))
    // The same number of bytes, others, and never recorded.
    await append(here, 'a', first, new Uint8Array(500_000))
    const second = await append(there, 'a', first, bytes.subarray(1000, 501_000))
    const all = await append(here, 'a', second, bytes.subarray(501_000))
    expect(await here.uploads.identify('a', all)).toEqual(await hashBytes(bytes))
  })

  it('is read to be hashed where the saved state is none of this version', async () => {
    const { here } = await twoGateways()
    const { bytes } = await content(mebibyte)
    const first = await append(here, 'a', nothing, bytes.subarray(0, 1000))
    const all = await append(here, 'a', { ...first, hashed: Uint8Array.from([1, 2, 3]) }, bytes.subarray(1000))
    expect(all.hashed).toBeUndefined()
    expect(await here.uploads.identify('a', all)).toEqual(await hashBytes(bytes))
  })

  it('is refused when the backend has other bytes than it took', async () => {
    const store = await openMemoryBlobStore()
    const { bytes } = await content(mebibyte)
    const upload = await append(checkedBlobStore(store), 'a', nothing, bytes)
    const lying = {
      ...store,
      staging: {
        ...store.staging,
        async *read() {
          yield Uint8Array.from(bytes, byte => byte ^ 1)
        },
      },
    }
    await expect(checkedBlobStore(lying).uploads.identify('a', upload)).rejects.toMatchObject({ kind: 'blob-corrupt' })
  })

  it('may be put together of several, which stay', async () => {
    const { here, there } = await twoGateways()
    const { bytes, digest } = await content(2 * mebibyte)
    const parts = await Promise.all(
      [0, 1, 2].map(async n => {
        const id = `part-${n}`
        await using writer = await here.uploads.resume(id, nothing, { alone: true, hash: false })
        await writer.write(bytes.subarray(n * 700_000, (n + 1) * 700_000))
        return { id, content: await writer.checkpoint() }
      }),
    )
    expect(parts.map(part => part.content.hashed)).toEqual([undefined, undefined, undefined])
    const other = (await content(10, 9)).digest
    await expect(there.uploads.concatenate(parts, { expect: [other] })).rejects.toMatchObject({ kind: 'digest-mismatch' })
    expect(await there.uploads.concatenate(parts, { expect: [digest] })).toEqual(await hashBytes(bytes))
    expect(await listedBy(there)).toEqual([digest])
    expect(await there.uploads.concatenate(parts.slice(0, 1))).toEqual(await hashBytes(bytes.subarray(0, 700_000)))
  })
})

async function listedBy(store: CheckedBlobStore) {
  const digests = []
  for await (const { digest } of store.list()) digests.push(digest)
  return digests
}
