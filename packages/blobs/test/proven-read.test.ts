import { ArtifactError } from '@artifact-store/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Content, content, mebibyte, readAll, stream } from '../src/conformance/content.ts'
import { type BlobStore, type ByteRange, type ByteStream, checkedBlobStore, openMemoryBlobStore } from '../src/index.ts'
import { flipsABit, lyingStore, servesInstead, truncatesTo } from './lying-store.ts'

const size = 5 * mebibyte + 3
const all = { start: 0, end: size }
let blob: Content
let store: BlobStore
let blocks: BlobStore

beforeEach(async () => {
  blob = await content(size)
  store = await openMemoryBlobStore()
  blocks = await openMemoryBlobStore()
  await checkedBlobStore(store, { blocks }).put(stream(blob.bytes))
})

const behind = (backend: BlobStore) => checkedBlobStore(backend, { blocks })

describe('a range of a blob whose blocks are recorded', () => {
  it.each<[string, ByteRange, ByteRange | undefined]>([
    ['the first byte', { start: 0, end: 1 }, { start: 0, end: mebibyte }],
    [
      'some on both sides of a border',
      { start: 2 * mebibyte - 1, end: 2 * mebibyte + 1 },
      { start: mebibyte, end: 3 * mebibyte },
    ],
    ['one whole block', { start: mebibyte, end: 2 * mebibyte }, { start: mebibyte, end: 2 * mebibyte }],
    ['the last byte', { start: size - 1, end: size }, { start: 5 * mebibyte, end: size }],
    ['all', all, undefined],
  ])('costs reading the blocks that it touches and no others: %s', async (_, range, read) => {
    const asked: (ByteRange | undefined)[] = []
    const checked = behind(watched(store, range => asked.push(range)))
    const got = await readAll(await checked.get(blob.digest, { size, range }))
    expect(Buffer.compare(got, blob.bytes.subarray(range.start, range.end))).toBe(0)
    expect(asked).toEqual([read])
  })

  it('costs no reading when it is empty', async () => {
    const asked: unknown[] = []
    const checked = behind(watched(store, range => asked.push(range)))
    expect(await readAll(await checked.get(blob.digest, { size, range: { start: 9, end: 9 } }))).toHaveLength(0)
    expect(asked).toEqual([])
  })

  it('is given right by a backend that serves wrong ranges and right wholes', async () => {
    const lies: ((range: ByteRange) => Promise<ByteStream>)[] = [
      ({ start, end }) => store.get(blob.digest, { range: { start: 0, end: end - start } }),
      ({ start, end }) => store.get(blob.digest, { range: { start, end: end - 1 } }),
      ({ start, end }) => store.get(blob.digest, { range: { start: start + 1, end } }),
      async () => servesInstead(new Uint8Array(0))(stream(blob.bytes)),
      async () => stream(blob.bytes),
    ]
    const range = { start: 2_500_000, end: 4_500_000 }
    for (const lie of lies) {
      const backend: BlobStore = {
        ...lyingStore(store, truth => truth),
        get: (digest, options = {}) => (options.range ? lie(options.range) : store.get(digest, options)),
      }
      const got = await readAll(await behind(backend).get(blob.digest, { size, range }))
      expect(Buffer.compare(got, blob.bytes.subarray(range.start, range.end))).toBe(0)
    }
  })

  it('is right although other blocks are damaged', async () => {
    const damaged = await openMemoryBlobStore()
    await damaged.put(flipsABit(10)(stream(blob.bytes)), () => blob.digest)
    const range = { start: mebibyte, end: size }
    const got = await readAll(await behind(damaged).get(blob.digest, { size, range }))
    expect(Buffer.compare(got, blob.bytes.subarray(range.start))).toBe(0)
  })
})

describe('a damaged blob whose blocks are recorded', () => {
  it.each<[string, number, ByteRange]>([
    ['at the first byte', 0, all],
    ['in the middle', 3 * mebibyte + 5, all],
    ['at the last byte', size - 1, all],
    ['within a range', 3 * mebibyte + 5, { start: 2 * mebibyte + 7, end: size }],
    ['in the same block as a range, before it', 3 * mebibyte, { start: 3 * mebibyte + 1, end: 3 * mebibyte + 2 }],
  ])('gives its bytes up to the damaged block, and no wrong one: %s', async (_, at, range) => {
    const damaged = await openMemoryBlobStore()
    await damaged.put(flipsABit(at)(stream(blob.bytes)), () => blob.digest)
    const { received, error } = await readUntilError(await behind(damaged).get(blob.digest, { size, range }))
    expect(error).toMatchObject({ kind: 'blob-corrupt', details: { digest: blob.digest } })
    const end = Math.max(range.start, Math.floor(at / mebibyte) * mebibyte)
    expect(Buffer.compare(received, blob.bytes.subarray(range.start, end))).toBe(0)
  })

  it('that is cut, but whose size is said to be right, gives what can be proven', async () => {
    const backend = lyingStore(store, truncatesTo(3 * mebibyte + 10), size)
    const { received, error } = await readUntilError(await behind(backend).get(blob.digest, { size }))
    expect(error).toMatchObject({ kind: 'blob-corrupt' })
    expect(Buffer.compare(received, blob.bytes.subarray(0, 3 * mebibyte))).toBe(0)
  })

  it('may come in chunks that know no blocks', async () => {
    for (const chunkSize of [1000, 700_001, 3 * mebibyte + 1]) {
      const backend: BlobStore = { ...lyingStore(store, truth => truth), get: async () => stream(blob.bytes, chunkSize) }
      // The chunks are wiped when the next is asked for, so each is copied at once.
      const got: Buffer[] = []
      for await (const chunk of await behind(unwiped(backend)).get(blob.digest, { size })) got.push(Buffer.from(chunk))
      expect(Buffer.compare(Buffer.concat(got), blob.bytes)).toBe(0)
    }
  })
})

describe('a record', () => {
  const recorded = async () => (await blocks.stat(blob.digest)) !== undefined

  it('is there once a blob of more than one block is put, and goes with it', async () => {
    expect(await recorded()).toBe(true)
    const small = await content(mebibyte, 2)
    await behind(store).put(stream(small.bytes))
    expect(await blocks.stat(small.digest)).toBeUndefined()
    await behind(store).delete(blob.digest)
    expect(await recorded()).toBe(false)
  })

  it.each(['missing', 'damaged', 'of another blob', 'too long'])(
    'that is %s costs reading the blob whole, once, which makes it anew',
    async what => {
      const other = await content(size, 2)
      await behind(store).put(stream(other.bytes))
      const right = await readAll(await blocks.get(blob.digest))
      const wrong = {
        missing: undefined,
        damaged: Buffer.from(right).fill(1, 100, 101),
        'of another blob': await readAll(await blocks.get(other.digest)),
        'too long': Buffer.concat([right, right]),
      }[what]
      await blocks.delete(blob.digest)
      if (wrong) await blocks.put(stream(wrong), () => blob.digest)

      const asked: (ByteRange | undefined)[] = []
      const checked = behind(watched(store, range => asked.push(range)))
      const range = { start: 4 * mebibyte, end: 4 * mebibyte + 10 }
      for (let times = 0; times < 2; times += 1) {
        const got = await readAll(await checked.get(blob.digest, { size, range }))
        expect(Buffer.compare(got, blob.bytes.subarray(range.start, range.end))).toBe(0)
      }
      expect(asked).toEqual([undefined, { start: 4 * mebibyte, end: 5 * mebibyte }])
      expect(Buffer.compare(await readAll(await blocks.get(blob.digest)), right)).toBe(0)
    },
  )

  it('is not made of a blob that is damaged', async () => {
    await blocks.delete(blob.digest)
    const backend = lyingStore(store, flipsABit(7))
    const { error } = await readUntilError(await behind(backend).get(blob.digest, { size }))
    expect(error).toMatchObject({ kind: 'blob-corrupt' })
    expect(await recorded()).toBe(false)
  })

  it('that cannot be kept or read keeps nobody from the bytes', async () => {
    const unusable: BlobStore = {
      ...lyingStore(blocks, truth => truth),
      get: () => Promise.reject(new ArtifactError('backend-unavailable', 'gone')),
      put: () => Promise.reject(new ArtifactError('storage-full', 'no room')),
    }
    const checked = checkedBlobStore(store, { blocks: unusable })
    const other = await content(size, 2)
    await checked.put(stream(other.bytes))
    expect(Buffer.compare(await readAll(await checked.get(other.digest, { size })), other.bytes)).toBe(0)
  })
})

/** The store, and what it was asked for. */
function watched(backend: BlobStore, onGet: (range: ByteRange | undefined) => void): BlobStore {
  return {
    ...lyingStore(backend, truth => truth),
    get: (digest, options = {}) => {
      onGet(options.range)
      return backend.get(digest, options)
    },
  }
}

function unwiped(backend: BlobStore): BlobStore {
  return lyingStore(backend, async function* (truth) {
    for await (const chunk of truth) yield chunk.slice()
  })
}

async function readUntilError(bytes: ByteStream): Promise<{ received: Buffer; error: unknown }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of bytes) chunks.push(chunk)
  } catch (error) {
    return { received: Buffer.concat(chunks), error }
  }
  return { received: Buffer.concat(chunks), error: undefined }
}
