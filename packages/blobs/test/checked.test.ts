import type { AnyDigest } from '@artifact-store/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { aMoment, type Content, content, listed, mebibyte, readAll, stream } from '../src/conformance/content.ts'
import { type BlobStore, type ByteRange, checkedBlobStore, hashBytes, openMemoryBlobStore } from '../src/index.ts'
import { appends, flipsABit, type Lie, lyingStore, servesInstead, truncatesTo } from './lying-store.ts'

const size = 2 * mebibyte + 3
let store: BlobStore
let blob: Content
let other: Content

beforeEach(async () => {
  store = await openMemoryBlobStore()
  blob = await content(size, 1)
  other = await content(size, 2)
})

describe('what is put', () => {
  it('is kept under the digest that it turns out to have, and both digests come back', async () => {
    const digests = await checkedBlobStore(store).put(stream(blob.bytes))
    expect(digests).toEqual(await hashBytes(blob.bytes))
    expect(await listed(store)).toEqual([digests.digest])
  })

  it('is kept when its size and every expected digest are right', async () => {
    const { digest, sha256 } = await hashBytes(blob.bytes)
    await checkedBlobStore(store).put(stream(blob.bytes), { size, expect: [sha256, digest] })
    expect(await listed(store)).toEqual([digest])
  })

  it('is not kept under a digest that it does not have, of either kind', async () => {
    const right = await hashBytes(blob.bytes)
    const wrong = await hashBytes(other.bytes)
    const attempts: readonly (readonly [expected: readonly AnyDigest[], missed: AnyDigest, actual: AnyDigest])[] = [
      [[wrong.digest], wrong.digest, right.digest],
      [[wrong.sha256], wrong.sha256, right.sha256],
      [[right.digest, wrong.sha256], wrong.sha256, right.sha256],
    ]
    for (const [expected, missed, actual] of attempts) {
      await expect(checkedBlobStore(store).put(stream(blob.bytes), { expect: expected })).rejects.toMatchObject({
        kind: 'digest-mismatch',
        details: { expected: missed, actual },
      })
    }
    expect(await listed(store)).toEqual([])
  })

  it('is not kept when it ends too soon', async () => {
    await expect(checkedBlobStore(store).put(stream(blob.bytes), { size: size + 1 })).rejects.toMatchObject({
      kind: 'body-incomplete',
      details: { expectedBytes: size + 1, receivedBytes: size },
    })
    expect(await listed(store)).toEqual([])
  })

  it('is not read on when it goes on for longer than announced', async () => {
    let pulled = 0
    const endless = async function* () {
      for (;;) {
        pulled += 1
        yield new Uint8Array(1000)
      }
    }
    await expect(checkedBlobStore(store).put(endless(), { size: 2500 })).rejects.toMatchObject({
      kind: 'body-incomplete',
      details: { expectedBytes: 2500, receivedBytes: 3000 },
    })
    expect(pulled).toBe(3)
    expect(await listed(store)).toEqual([])
  })

  it('is not named before the backend has read all of it', async () => {
    const hasty: BlobStore = {
      ...lyingStore(store, truth => truth),
      put: async (bytes, name) => {
        for await (const _chunk of bytes) break
        name()
      },
    }
    await expect(checkedBlobStore(hasty).put(stream(blob.bytes))).rejects.toMatchObject({ kind: 'internal' })
  })
})

const lies: readonly { readonly title: string; readonly lie: () => Lie; readonly says?: number }[] = [
  { title: 'flips a bit of the first byte', lie: () => flipsABit(0) },
  { title: 'flips a bit in the middle', lie: () => flipsABit(mebibyte) },
  { title: 'flips a bit of the last byte', lie: () => flipsABit(size - 1) },
  { title: 'drops the last byte', lie: () => truncatesTo(size - 1) },
  { title: 'serves half, and owns up to it', lie: () => truncatesTo(mebibyte), says: mebibyte },
  { title: 'serves half', lie: () => truncatesTo(mebibyte) },
  { title: 'serves nothing', lie: () => truncatesTo(0) },
  { title: 'appends a byte', lie: () => appends(new Uint8Array(1)) },
  { title: 'appends a byte, and owns up to it', lie: () => appends(new Uint8Array(1)), says: size + 1 },
  { title: 'serves another blob of the same size', lie: () => servesInstead(other.bytes) },
]
const ranges: readonly (ByteRange | undefined)[] = [
  undefined,
  { start: 0, end: 1 },
  { start: 1000, end: mebibyte + 10 },
  { start: size - 1, end: size },
  { start: 5, end: 5 },
]

describe('a backend that lies', () => {
  for (const { title, lie, says } of lies) {
    it.for(ranges)(`and ${title} never completes a body, of the range %o`, async range => {
      const { digest } = await checkedBlobStore(store).put(stream(blob.bytes))
      const checked = checkedBlobStore(lyingStore(store, lie(), says))
      let received = 0
      const reading = async () => {
        for await (const chunk of await checked.get(digest, { size, range })) received += chunk.length
      }
      await expect(reading()).rejects.toMatchObject({ kind: 'blob-corrupt', details: { digest } })
      const wanted = range === undefined ? size : range.end - range.start
      expect(received === 0 || received < wanted).toBe(true)
    })
  }

  it('is refused before the first byte when it owns up to a wrong size of a large blob', async () => {
    const { digest } = await checkedBlobStore(store).put(stream(blob.bytes))
    const checked = checkedBlobStore(lyingStore(store, truncatesTo(mebibyte), mebibyte))
    await expect(checked.get(digest, { size })).rejects.toMatchObject({
      kind: 'blob-corrupt',
      details: { expectedBytes: size, receivedBytes: mebibyte },
    })
  })

  it.for([1, 1000])('gives away no byte of a small blob that it damaged: %i bytes', async length => {
    const small = await content(length)
    await checkedBlobStore(store).put(stream(small.bytes))
    const checked = checkedBlobStore(lyingStore(store, flipsABit(0)))
    const reader = (await checked.get(small.digest, { size: length }))[Symbol.asyncIterator]()
    await expect(reader.next()).rejects.toMatchObject({
      kind: 'blob-corrupt',
      details: { digest: small.digest, actual: expect.not.stringMatching(small.digest) },
    })
  })

  it.for([
    { title: 'damages it', lie: flipsABit(0) },
    { title: 'drops its last byte', lie: truncatesTo(999) },
    { title: 'appends a byte', lie: appends(new Uint8Array(1)) },
    { title: 'serves nothing', lie: truncatesTo(0) },
  ])('and $title gives away no small blob whole, at once or as a stream', async ({ lie }) => {
    const small = await content(1000)
    await checkedBlobStore(store).put(stream(small.bytes))
    const lying = lyingStore(store, lie)
    for (const backend of [lying, { ...lying, getSmall: undefined }] as BlobStore[])
      await expect(checkedBlobStore(backend).getBytes(small.digest, { size: 1000 })).rejects.toMatchObject({
        kind: 'blob-corrupt',
        details: { digest: small.digest },
      })
  })

  it('cannot pass off bytes as an empty blob', async () => {
    const empty = await content(0)
    await checkedBlobStore(store).put(stream(empty.bytes))
    const checked = checkedBlobStore(lyingStore(store, appends(new Uint8Array(1))))
    await expect(readAll(await checked.get(empty.digest, { size: 0 }))).rejects.toMatchObject({ kind: 'blob-corrupt' })
  })

  it('is healed by putting the bytes again', async () => {
    await store.put(stream(other.bytes), () => blob.digest)
    const checked = checkedBlobStore(store)
    await expect(readAll(await checked.get(blob.digest, { size }))).rejects.toMatchObject({ kind: 'blob-corrupt' })
    await checked.put(stream(blob.bytes))
    expect(Buffer.compare(await readAll(await checked.get(blob.digest, { size })), blob.bytes)).toBe(0)
  })
})

describe('a checked reader', () => {
  it('that stalls pulls no more from the backend than the chunk that is held back', async () => {
    const { digest } = await checkedBlobStore(store).put(stream(blob.bytes))
    let pulled = 0
    const counting: Lie = async function* (truth) {
      for await (const chunk of truth) {
        pulled += 1
        yield chunk
      }
    }
    const reader = (await checkedBlobStore(lyingStore(store, counting)).get(digest, { size }))[Symbol.asyncIterator]()
    await reader.next()
    await aMoment()
    expect(pulled).toBe(2)
  })

  it('that stops early closes the backend’s stream', async () => {
    const { digest } = await checkedBlobStore(store).put(stream(blob.bytes))
    let closed = false
    const watching: Lie = async function* (truth) {
      try {
        yield* truth
      } finally {
        closed = true
      }
    }
    for await (const _chunk of await checkedBlobStore(lyingStore(store, watching)).get(digest, { size })) break
    expect(closed).toBe(true)
  })

  it('is told that a blob is not there', async () => {
    await expect(checkedBlobStore(store).get(blob.digest, { size })).rejects.toMatchObject({ kind: 'blob-not-found' })
  })
})
