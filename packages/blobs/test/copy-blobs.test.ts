import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '@artifact-store/core'
import { expect, it } from 'vitest'
import { copyBlobs } from '../src/copy-blobs.ts'
import { checkedBlobStore, openFsBlobStore, openMemoryBlobStore } from '../src/index.ts'

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
  expect(await copyBlobs(from, to)).toEqual({ ...all, copied: 50, copiedBytes: source.size, damaged: 0 })
  expect(await copyBlobs(from, to)).toEqual({ ...all, copied: 0, copiedBytes: 0, damaged: 0 })
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
