import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blobsAreListed } from '../src/conformance/blobs-are-listed.ts'
import { bytesAreKept } from '../src/conformance/bytes-are-kept.ts'
import { aMoment, content, listed, mebibyte, put, readAll, stream } from '../src/conformance/content.ts'
import { failuresKeepNothing } from '../src/conformance/failures-keep-nothing.ts'
import { readersAreFree } from '../src/conformance/readers-are-free.ts'
import { throughChecks } from '../src/conformance/through-checks.ts'
import { describeBlobStore, perTest } from '../src/conformance.ts'
import { type BlobStore, openFsBlobStore, openMemoryBlobStore, severalBlobStores } from '../src/index.ts'
import { failingStore } from './failing-store.ts'
import { flipsABit, lyingStore } from './lying-store.ts'
import { startS3UnderTest } from './s3-under-test.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'blobs-several-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let directories: string[] = []
const openDirectory = async () => {
  const directory = await mkdtemp(join(root, 'store-'))
  directories.push(directory)
  return openFsBlobStore({ directory })
}
const residue = async () => (await Promise.all(directories.map(directory => readdir(join(directory, 'staging'))))).flat()
/** Opens the stores of one test. */
const anew =
  (open: () => Promise<BlobStore>): (() => Promise<BlobStore>) =>
  () => {
    directories = []
    return open()
  }

const twoDirectories = anew(async () =>
  severalBlobStores({ primary: await openDirectory(), replicas: [], older: [await openDirectory()] }),
)
describeBlobStore('a directory, and an older one', twoDirectories, { residue })

const ofAllKinds = anew(async () =>
  severalBlobStores({
    primary: await openDirectory(),
    replicas: [await openDirectory(), await openMemoryBlobStore()],
    older: [await openMemoryBlobStore()],
  }),
)
describeBlobStore('a directory with two replicas and an older store', ofAllKinds, { residue })

const bucket = await startS3UnderTest()
const withBuckets = anew(async () =>
  severalBlobStores({ primary: await openDirectory(), replicas: [await bucket.open()], older: [await bucket.open()] }),
)
describeBlobStore('a directory with a bucket as replica, and an older one', withBuckets, { residue })

describe.each<[string, (primary: BlobStore) => BlobStore]>([
  ['gives wrong bytes', primary => lyingStore(primary, flipsABit(10))],
  ['gives wrong bytes behind the first blocks', primary => lyingStore(primary, flipsABit(2 * mebibyte + 10))],
  [
    'cannot be read',
    primary => {
      const store = failingStore(primary)
      store.fail('reads')
      return store
    },
  ],
  [
    'breaks off in the middle of every read',
    primary => {
      const store = failingStore(primary)
      store.breakOffAfter(mebibyte + 77)
      return store
    },
  ],
])('a primary that %s, with a replica, behind the checks', (reading, spoil) => {
  const open = async () =>
    severalBlobStores({ primary: spoil(await openMemoryBlobStore()), replicas: [await openMemoryBlobStore()], older: [] })
  const subject = perTest(async () => throughChecks(await open(), await openMemoryBlobStore()))
  readersAreFree(subject)
  // Of what is nowhere, a store that cannot be asked makes everybody say that it may be there.
  if (reading !== 'cannot be read') bytesAreKept(subject)
})

describe('an older store that was filled before', () => {
  const subject = perTest(twoDirectories)
  blobsAreListed(subject)
  failuresKeepNothing(subject)

  it('is not written to, and what it has is found, listed once in its place, and removed with the rest', async () => {
    const [primary, older] = [await openMemoryBlobStore(), await openMemoryBlobStore()]
    await using store = severalBlobStores({ primary, replicas: [], older: [older] })
    const blobs = await Promise.all(Array.from({ length: 40 }, (_, i) => content(i * 1000, i)))
    for (const [i, blob] of blobs.entries()) {
      if (i % 2 === 0) await put(older, blob)
      if (i % 3 === 0) await put(store, blob)
    }
    const there = blobs.filter((_, i) => i % 2 === 0 || i % 3 === 0)
    expect(await listed(store)).toEqual(there.map(({ digest }) => digest).toSorted())
    for (const { digest, bytes } of there) {
      expect(await store.stat(digest)).toEqual({ size: bytes.length })
      expect(Buffer.compare(await readAll(await store.get(digest)), bytes)).toBe(0)
    }
    expect(await listed(older)).toHaveLength(20)
    const [first] = there
    if (!first) throw new Error('there are blobs')
    expect(await store.delete(first.digest)).toBe(true)
    expect(await store.stat(first.digest)).toBeUndefined()
    expect(await listed(older)).toHaveLength(19)
  })

  it('may have the blob when it is away: then nobody says that there is none', async () => {
    const older = failingStore(await openMemoryBlobStore())
    await using store = severalBlobStores({ primary: await openMemoryBlobStore(), replicas: [], older: [older] })
    const [here, nowhere] = [await content(1000, 1), await content(1000, 2)]
    await put(store, here)
    older.fail('everything')
    expect(await store.stat(here.digest)).toEqual({ size: 1000 })
    expect(await readAll(await store.get(here.digest))).toHaveLength(1000)
    await store.probe()
    await put(store, await content(1000, 3))
    for (const asked of [store.stat(nowhere.digest), store.get(nowhere.digest), listed(store)])
      await expect(asked).rejects.toMatchObject({ kind: 'backend-unavailable' })
  })

  it('loses what was staged there when its time is over', async () => {
    const older = await openMemoryBlobStore()
    await using store = severalBlobStores({ primary: await openMemoryBlobStore(), replicas: [], older: [older] })
    await (await older.staging.resume('begun-before', { size: 0 }, { alone: true })).flush()
    const ids: string[] = []
    for await (const { id } of store.staging.list()) ids.push(id)
    expect(ids).toEqual(['begun-before'])
    await store.staging.discard('begun-before')
    for await (const { id } of older.staging.list()) expect(id).toBe('none')
  })
})

describe('a replica', () => {
  it.each(['put', 'putSmall', 'publish'] as const)('has every blob when its %s is acknowledged', async way => {
    const [primary, replica] = [await openDirectory(), await openMemoryBlobStore()]
    await using store = severalBlobStores({ primary, replicas: [replica], older: [] })
    const blob = await content(way === 'putSmall' ? 1000 : 3 * mebibyte)
    if (way === 'put') await put(store, blob)
    else if (way === 'putSmall') await store.putSmall?.(blob.digest, blob.bytes)
    else {
      await using writer = await store.staging.resume('one', { size: 0 }, { alone: true })
      await writer.write(blob.bytes.slice())
      await store.staging.publish('one', await writer.flush(), blob.digest)
    }
    for (const each of [primary, replica]) expect(Buffer.compare(await readAll(await each.get(blob.digest)), blob.bytes)).toBe(0)
  })

  it('has what the primary has, also when a chunk is a view of the memory of another', async () => {
    const [primary, replica] = [await openDirectory(), await openDirectory()]
    await using store = severalBlobStores({ primary, replicas: [replica], older: [] })
    const blob = await content(3 * mebibyte)
    const whole = Buffer.from(blob.bytes)
    await store.put(
      Readable.from([Buffer.copyBytesFrom(whole.subarray(0, mebibyte)), whole.subarray(mebibyte)]),
      () => blob.digest,
    )
    for (const each of [primary, replica]) expect(Buffer.compare(await readAll(await each.get(blob.digest)), blob.bytes)).toBe(0)
  })

  it('that is down stops writing at once, and nothing is kept; reading goes on', async () => {
    const replica = failingStore(await openMemoryBlobStore())
    await using store = severalBlobStores({ primary: await openDirectory(), replicas: [replica], older: [] })
    const [before, refused] = [await content(3 * mebibyte, 1), await content(3 * mebibyte, 2)]
    await put(store, before)
    replica.fail('everything')
    let sent = 0
    const counted = async function* () {
      for await (const chunk of stream(refused.bytes)) {
        yield chunk
        sent += chunk.length
      }
    }
    await expect(store.put(counted(), () => refused.digest)).rejects.toMatchObject({ kind: 'backend-unavailable' })
    await expect(store.putSmall?.(refused.digest, refused.bytes)).rejects.toMatchObject({ kind: 'backend-unavailable' })
    await expect(store.probe()).rejects.toMatchObject({ kind: 'backend-unavailable' })
    expect(sent).toBeLessThan(mebibyte)
    expect(Buffer.compare(await readAll(await store.get(before.digest)), before.bytes)).toBe(0)
    replica.fail('nothing')
    await put(store, refused)
    expect(await replica.stat(refused.digest)).toEqual({ size: refused.bytes.length })
  })

  it('that hangs is left when the put is aborted', async () => {
    const replica = await openMemoryBlobStore()
    const hanging: BlobStore = {
      ...replica,
      put: (_bytes, _name, { signal } = {}) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
    }
    await using store = severalBlobStores({ primary: await openDirectory(), replicas: [hanging], older: [] })
    const controller = new AbortController()
    const putting = put(store, await content(3 * mebibyte), controller.signal)
    await aMoment()
    controller.abort(new Error('enough'))
    await expect(putting).rejects.toThrow('enough')
    expect(await listed(store)).toEqual([])
  })
})

it('one store alone stays what it is', async () => {
  const primary = await openMemoryBlobStore()
  expect(severalBlobStores({ primary, replicas: [], older: [] })).toBe(primary)
})

it('what is told of several names the one that is in trouble', async () => {
  const [primary, older] = [await openMemoryBlobStore(), await openMemoryBlobStore()]
  await using store = severalBlobStores({
    primary,
    replicas: [],
    older: [{ ...older, report: () => ({ address: 's3://older', findings: [], trouble: 'make the bucket' }) }],
  })
  expect(store.report()).toEqual({ address: 'memory:', findings: [], trouble: 's3://older: make the bucket' })
  expect(await store.examine()).toEqual(store.report())
})
