import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Digest } from '@artifact-store/core'
import { expect, it } from 'vitest'
import { listed } from '../src/conformance/content.ts'
import { type CopiedBlobs, copyBlobs } from '../src/copy-blobs.ts'
import { checkedBlobStore, openFsBlobStore, openMemoryBlobStore } from '../src/index.ts'
import { readBlob } from '../src/read-blob.ts'
import { flipsABit, lyingStore } from './lying-store.ts'
import { startS3UnderTest } from './s3-under-test.ts'

const bytesOf = (i: number) => Buffer.from(`blob ${i} `.repeat(i % 7 === 0 ? 20_000 : i))

/** A directory with 50 blobs, some of them larger than what may be held in memory. */
async function directoryWithBlobs() {
  const directory = await mkdtempDisposable(join(tmpdir(), 'copy-'))
  const store = checkedBlobStore(await openFsBlobStore({ directory: directory.path }))
  const digests: Digest[] = []
  for (let i = 0; i < 50; i++) digests.push((await store.putBytes(bytesOf(i))).digest)
  const size = digests.reduce((sum, _, i) => sum + bytesOf(i).length, 0)
  return {
    path: directory.path,
    store,
    digests,
    size,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await directory.remove()
    },
  }
}

it('copies every blob once, and the next time only what is new', async () => {
  await using source = await directoryWithBlobs()
  await using from = await openFsBlobStore({ directory: source.path })
  await using to = await openMemoryBlobStore()
  const all = { blobs: 50, bytes: source.size }
  expect(await copyBlobs(from, to)).toEqual({ ...all, copied: 50, copiedBytes: source.size, removed: 0, damaged: 0 })
  expect(await copyBlobs(from, to)).toEqual({ ...all, copied: 0, copiedBytes: 0, removed: 0, damaged: 0 })
  await source.store.putBytes(Buffer.from('new'))
  expect(await copyBlobs(from, to)).toMatchObject({ blobs: 51, copied: 1, copiedBytes: 3 })
  for (const digest of source.digests) expect(await checkedBlobStore(to).check(digest)).toMatchObject({ kind: 'intact' })
})

it('leaves out what is damaged, says so, and copies the rest', async () => {
  await using source = await directoryWithBlobs()
  const [first = '', second = ''] = source.digests.slice(7)
  for (const digest of [first, second]) {
    const hex = digest.slice('blake3:'.length)
    const path = join(source.path, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
    await chmod(path, 0o644)
    await writeFile(path, 'rotten')
  }
  await using from = await openFsBlobStore({ directory: source.path })
  await using to = await openMemoryBlobStore()
  const damaged: string[] = []
  expect(await copyBlobs(from, to, { onDamaged: digest => damaged.push(digest) })).toMatchObject({
    blobs: 50,
    copied: 48,
    damaged: 2,
  })
  expect(new Set(damaged)).toEqual(new Set([first, second]))
})

it('ends with what the target meets', async () => {
  await using source = await directoryWithBlobs()
  await using from = await openFsBlobStore({ directory: source.path })
  const directory = await mkdtempDisposable(join(tmpdir(), 'copy-target-'))
  await using to = await openFsBlobStore({ directory: directory.path })
  await directory.remove()
  await expect(copyBlobs(from, to)).rejects.toMatchObject({ kind: 'backend-unavailable' })
})

it('stops when it is told to', async () => {
  await using source = await directoryWithBlobs()
  await using from = await openFsBlobStore({ directory: source.path })
  await using to = await openMemoryBlobStore()
  const stop = new AbortController()
  const copying = copyBlobs(from, to, {
    signal: stop.signal,
    onProgress: ({ blobs }) => void (blobs === 10 && stop.abort(new Error('enough'))),
  })
  await expect(copying).rejects.toThrow('enough')
})

it('moves every blob when it is told to, the next time those that are there already, and leaves what is damaged', async () => {
  await using source = await directoryWithBlobs()
  await using from = await openFsBlobStore({ directory: source.path })
  await using to = await openMemoryBlobStore()
  const [rotten, there, otherThere] = source.digests.slice(20)
  if (!rotten || !there || !otherThere) throw new Error('there are blobs')
  await from.put(Readable.from([Buffer.from('rotten')]), () => rotten)
  await to.put(await from.get(there), () => there)
  // Of the right size, and rotten: it is replaced before the source's goes.
  const bytes = await readBlob(from, otherThere, {})
  await to.put(Readable.from([Buffer.alloc(bytes.length)]), () => otherThere)
  const left: string[] = []
  const onDamaged = (digest: Digest, where: string) => void left.push(`${where} ${digest}`)
  expect(await copyBlobs(from, to, { remove: true, onDamaged })).toMatchObject({ blobs: 50, copied: 48, removed: 49, damaged: 1 })
  expect(left).toEqual([`source ${rotten}`])
  expect(await listed(from)).toEqual([rotten])
  for (const digest of source.digests.filter(each => each !== rotten))
    expect(await checkedBlobStore(to).check(digest)).toMatchObject({ kind: 'intact' })
  await source.store.putBytes(bytes)
  expect(await copyBlobs(from, to, { remove: true })).toMatchObject({ blobs: 2, copied: 0, removed: 1, damaged: 1 })
})

it('removes nothing that the target does not give back as it took it', async () => {
  await using source = await directoryWithBlobs()
  await using from = await openFsBlobStore({ directory: source.path })
  const to = lyingStore(await openMemoryBlobStore(), flipsABit(0))
  const left: string[] = []
  const onDamaged = (_: Digest, where: string) => void left.push(where)
  const moved = await copyBlobs(from, to, { remove: true, onDamaged })
  expect(moved).toMatchObject({ copied: 50, removed: 0, damaged: 50 })
  expect(new Set(left)).toEqual(new Set(['target']))
  expect(await listed(from)).toHaveLength(50)
})

it('keeps the records of the blocks of what it copies', async () => {
  await using from = await openMemoryBlobStore()
  await using to = await openMemoryBlobStore()
  await using blocks = await openMemoryBlobStore()
  const large = await checkedBlobStore(from).putBytes(Buffer.alloc(3_000_000, 'large'))
  await copyBlobs(from, to, { proof: { blocks } })
  expect(await listed(blocks)).toEqual([large.digest])
})

it.each(['to', 'from'] as const)('goes on where it was cut off, %s a directory and an S3 server', async direction => {
  await using server = await startS3UnderTest()
  await using source = await directoryWithBlobs()
  await using directory = await openFsBlobStore({ directory: source.path })
  await using bucket = await server.open()
  await using other = await openMemoryBlobStore()
  const [from, to] = direction === 'to' ? [directory, bucket] : [bucket, other]
  if (direction === 'from') await copyBlobs(directory, bucket)
  for (const cut of [7, 20]) {
    const stop = new AbortController()
    const onProgress = ({ blobs }: CopiedBlobs) => void (blobs === cut && stop.abort(new Error('cut off')))
    await expect(copyBlobs(from, to, { remove: true, signal: stop.signal, onProgress })).rejects.toThrow('cut off')
  }
  expect((await copyBlobs(from, to, { remove: true })).removed).toBeLessThan(50)
  expect(await listed(from)).toEqual([])
  for (const digest of source.digests) expect(await checkedBlobStore(to).check(digest)).toMatchObject({ kind: 'intact' })
})
