import { ArtifactError } from '@artifact-store/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Content, content, mebibyte, readAll, stream } from '../src/conformance/content.ts'
import {
  type BlobStore,
  type ByteStream,
  checkedBlobStore,
  copyBlob,
  openMemoryBlobStore,
  portableKernel,
  severalBlobStores,
} from '../src/index.ts'
import { failingStore } from './failing-store.ts'
import { flipsABit, type Lie, lyingStore, truncatesTo } from './lying-store.ts'

const size = 5 * mebibyte + 3
let blob: Content
let good: BlobStore
let blocks: BlobStore
/** What was told of bad copies. */
let told: string[]

beforeEach(async () => {
  blob = await content(size)
  good = await openMemoryBlobStore()
  blocks = await openMemoryBlobStore()
  await checkedBlobStore(good, { blocks }).put(stream(blob.bytes))
  told = []
})

const lying = (lie: Lie) => lyingStore(good, lie)
const among = (primary: BlobStore, ...others: readonly BlobStore[]) => severalBlobStores({ primary, replicas: [], older: others })
/** A kernel that proves a blob only as a whole, as the native one. */
const wholeBlobs = { kernel: { ...portableKernel, tellsBlocks: false }, open: async () => Promise.reject(new Error('not here')) }

const proofs = [
  ['by the record of its blocks', () => ({ blocks })],
  ['as a whole, which makes the record', () => ({})],
  ['as a whole', () => ({ hashing: wholeBlobs })],
] as const

describe.each(proofs)('a blob that is proven %s', (_, proof) => {
  const read = async (store: BlobStore, range?: { start: number; end: number }) => {
    const onBadCopy = ({ kind }: ArtifactError) => void told.push(kind)
    return readAll(await checkedBlobStore(store, proof()).get(blob.digest, { size, range, onBadCopy }))
  }
  const expectRight = async (store: BlobStore) => {
    for (const range of [
      undefined,
      { start: 0, end: 1 },
      { start: mebibyte + 5, end: 4 * mebibyte + 5 },
      { start: size - 1, end: size },
    ])
      expect(Buffer.compare(await read(store, range), blob.bytes.subarray(range?.start, range?.end))).toBe(0)
  }

  it('is read on in the other store where the first one cuts it short, and that is told', async () => {
    for (const length of [0, 10, 3 * mebibyte + 7]) await expectRight(among(lying(truncatesTo(length)), good))
    expect(new Set(told)).toEqual(new Set(['blob-corrupt']))
  })

  it('is read on where the first store breaks off or is away, which is no damage', async () => {
    const first = failingStore(good)
    for (const length of [0, 10, 3 * mebibyte + 7]) {
      first.breakOffAfter(length)
      await expectRight(among(first, good))
    }
    first.fail('everything')
    await expectRight(among(first, good))
    await expectRight(among(await openMemoryBlobStore(), good))
    expect(told).toEqual([])
  })

  it('is taken from the third store, when each of the others fails in its own place', async () => {
    const second = failingStore(good)
    second.breakOffAfter(4 * mebibyte)
    await expectRight(among(lying(truncatesTo(2 * mebibyte)), second, good))
  })

  it.each([0, 10, mebibyte, 3 * mebibyte + 7, size - 1])('never ends with a wrong byte at %i', async at => {
    for (const store of [
      among(lying(flipsABit(at)), good),
      among(lying(flipsABit(at)), lying(truncatesTo(4 * mebibyte)), good),
    ]) {
      for (const range of [undefined, { start: 7, end: size - 7 }]) {
        const got = await read(store, range).catch((error: unknown) => error)
        if (got instanceof Error) expect(got).toMatchObject({ kind: 'blob-corrupt' })
        else expect(Buffer.compare(got as Buffer, blob.bytes.subarray(range?.start, range?.end))).toBe(0)
      }
    }
  })

  it('is damaged when it is so everywhere, missing when it is nowhere, and perhaps there where a store is away', async () => {
    const empty = await openMemoryBlobStore()
    const away = failingStore(good)
    away.fail('everything')
    // The first byte of whatever is asked for.
    const bad = () => lying(flipsABit(0))
    await expect(read(among(bad(), bad()))).rejects.toMatchObject({ kind: 'blob-corrupt' })
    await expect(read(among(empty, bad()))).rejects.toMatchObject({ kind: 'blob-corrupt' })
    await expect(read(among(bad(), away))).rejects.toMatchObject({ kind: 'backend-unavailable' })
    await expect(read(among(empty, away))).rejects.toMatchObject({ kind: 'backend-unavailable' })
    const { digest } = await content(7, 7)
    const nowhere = checkedBlobStore(among(empty, good), proof()).get(digest, { size: 7 })
    await expect(nowhere).rejects.toMatchObject({ kind: 'blob-not-found' })
  })
})

it('a blob whose blocks are recorded comes whole although a wrong byte is in the middle of the first copy', async () => {
  for (const at of [0, mebibyte, 3 * mebibyte + 7, size - 1]) {
    const store = checkedBlobStore(among(lying(flipsABit(at)), good), { blocks })
    const asked = store.get(blob.digest, { size, onBadCopy: ({ kind }) => void told.push(kind) })
    expect(Buffer.compare(await readAll(await asked), blob.bytes)).toBe(0)
  }
  expect(told).toHaveLength(4)
})

it('a small blob that is asked for whole comes from the first store that has it right', async () => {
  const small = await content(5000, 3)
  await good.put(stream(small.bytes), () => small.digest)
  const [empty, away] = [await openMemoryBlobStore(), failingStore(good)]
  away.fail('everything')
  const read = async (store: BlobStore) =>
    checkedBlobStore(store).getBytes(small.digest, { size: 5000, onBadCopy: ({ kind }) => void told.push(kind) })
  for (const first of [empty, away, lying(flipsABit(100)), lying(truncatesTo(4999))])
    expect(Buffer.compare(await read(among(first, good)), small.bytes)).toBe(0)
  expect(told).toEqual(['blob-corrupt', 'blob-corrupt'])
  await expect(read(among(empty, lying(flipsABit(1))))).rejects.toMatchObject({ kind: 'blob-corrupt' })
  await expect(read(among(lying(flipsABit(1)), away))).rejects.toMatchObject({ kind: 'backend-unavailable' })
  await expect(read(among(empty, empty))).rejects.toMatchObject({ kind: 'blob-not-found' })
})

it('what each store has is found by reading each of them, and the best of it counts', async () => {
  const [empty, bad] = [await openMemoryBlobStore(), lying(flipsABit(5))]
  const store = checkedBlobStore(among(empty, bad, good))
  const intact = { kind: 'intact', size }
  const findings = await store.checkCopies(blob.digest)
  expect(findings.map(({ finding }) => finding)).toEqual([
    { kind: 'missing' },
    { kind: 'different', actualSize: size, actualDigest: expect.any(String) },
    intact,
  ])
  expect(findings.map(copy => copy.store)).toEqual([empty, bad, good])
  expect(await store.check(blob.digest)).toEqual(intact)
  expect(await checkedBlobStore(among(empty, bad)).check(blob.digest)).toMatchObject({ kind: 'different' })
  expect(await checkedBlobStore(among(empty, empty)).check(blob.digest)).toEqual({ kind: 'missing' })
})

it('a damaged copy is healed by a good one, and never by one that is damaged too', async () => {
  const primary = await openMemoryBlobStore()
  await primary.put(stream(blob.bytes.subarray(1)), () => blob.digest)
  await expect(copyBlob(lying(flipsABit(0)), primary, { digest: blob.digest, size })).rejects.toMatchObject({
    kind: 'digest-mismatch',
  })
  await expect(copyBlob(lying(truncatesTo(9)), primary, { digest: blob.digest, size })).rejects.toMatchObject({
    kind: 'body-incomplete',
  })
  await copyBlob(good, primary, { digest: blob.digest, size })
  expect(await checkedBlobStore(primary).check(blob.digest)).toEqual({ kind: 'intact', size })
})

it('a read that is given up does not go on in another store', async () => {
  let asked = 0
  const controller = new AbortController()
  const first = lying(async function* (truth): ByteStream {
    for await (const chunk of truth) {
      yield chunk
      controller.abort(new Error('gone'))
      throw new ArtifactError('backend-unavailable', 'broken off')
    }
  })
  const second: BlobStore = {
    ...good,
    get(...args) {
      asked += 1
      return good.get(...args)
    },
  }
  const reading = checkedBlobStore(among(first, second)).get(blob.digest, { size, signal: controller.signal })
  await expect(readAll(await reading)).rejects.toThrow('gone')
  expect(asked).toBe(0)
})

it('a blob is found that is moved to the store in front while the stores are asked', async () => {
  const ways: readonly ((store: BlobStore) => Promise<unknown>)[] = [
    async store => readAll(await checkedBlobStore(store).get(blob.digest, { size })),
    async store => readAll(await store.get(blob.digest)),
    async store => expect(await store.stat(blob.digest)).toEqual({ size }),
    async store => expect(await checkedBlobStore(store).check(blob.digest)).toMatchObject({ kind: 'intact' }),
  ]
  for (const way of ways) {
    const [first, older] = [await openMemoryBlobStore(), await openMemoryBlobStore()]
    await copyBlob(good, older, { digest: blob.digest, size })
    const move = async () => {
      await copyBlob(good, first, { digest: blob.digest, size })
      await older.delete(blob.digest)
    }
    const moving: BlobStore = {
      ...older,
      async get(...args) {
        await move()
        return older.get(...args)
      },
      async stat(...args) {
        await move()
        return older.stat(...args)
      },
    }
    await way(among(first, moving))
    expect(await older.stat(blob.digest)).toBeUndefined()
  }
})
