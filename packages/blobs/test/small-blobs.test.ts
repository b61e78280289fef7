import { appendFile, mkdir, mkdtempDisposable, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Content, content, readAll } from '../src/conformance/content.ts'
import { type BlobStore, checkedBlobStore, openFsBlobStore } from '../src/index.ts'
import { blobLayout, blobPath } from '../src/layout.ts'
import { startProgram } from './programs.ts'

const blobs = await Promise.all(Array.from({ length: 20 }, (_, index) => content(1000 + index, index + 1)))

describe('small blobs in a directory', () => {
  it('can be read when they are put, many at once, and leave no journal behind', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    {
      await using store = await openFsBlobStore({ directory: directory.path })
      await Promise.all(blobs.map(blob => putSmall(store, blob)))
      await expectAllThere(store)
      expect(await readdir(join(directory.path, 'journal'))).toHaveLength(1)
    }
    expect(await readdir(join(directory.path, 'journal'))).toEqual([])
    expect(await readdir(join(directory.path, 'staging'))).toEqual([])
  })

  it('have a journal in several files when they are many', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    {
      await using store = await openFsBlobStore({ directory: directory.path })
      for await (const batch of moreThanAFile()) await Promise.all(batch.map(blob => putSmall(store, blob)))
      expect(await readdir(join(directory.path, 'journal'))).toHaveLength(2)
    }
    expect(await readdir(join(directory.path, 'journal'))).toEqual([])
  })

  it('leave no journal behind where they could not be written, however many they were', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    const { blobs: place } = blobLayout(directory.path)
    {
      await using store = await openFsBlobStore({ directory: directory.path })
      await rm(place, { recursive: true })
      await writeFile(place, 'no directory')
      for await (const batch of moreThanAFile()) {
        const puts = await Promise.allSettled(batch.map(blob => putSmall(store, blob)))
        expect(puts.filter(({ status }) => status === 'fulfilled')).toEqual([])
      }
      await rm(place)
      await mkdir(place)
      await Promise.all(blobs.map(blob => putSmall(store, blob)))
    }
    expect(await readdir(join(directory.path, 'journal'))).toEqual([])
  })

  it('replace one that is damaged', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    await using store = await openFsBlobStore({ directory: directory.path })
    const [blob] = blobs
    if (!blob) throw new Error('there is no blob')
    await putSmall(store, blob)
    await rm(blobPath(blobLayout(directory.path), blob.digest))
    await putSmall(store, blob)
    await expectThere(store, blob)
  })

  it('are put again from the journal where a power failure took them, up to the record that it cut off', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    const program = startProgram('put-small-and-hang.ts', [directory.path])
    await program.saidLine('put')
    await program.kill('SIGKILL')
    // What was never flushed is gone, or is there without its bytes.
    const layout = blobLayout(directory.path)
    for (const [index, { digest }] of blobs.entries()) {
      const path = blobPath(layout, digest)
      await rm(path)
      if (index % 2 === 0) await writeFile(path, '')
    }
    const [segment = ''] = await readdir(layout.journal)
    await appendFile(join(layout.journal, segment), Buffer.alloc(50, 7))

    {
      await using store = await openFsBlobStore({ directory: directory.path })
      await expectAllThere(store)
      expect(await digestsIn(store)).toHaveLength(blobs.length)
      // They stand in a journal of the process that has put them again.
      expect(await readdir(layout.journal)).not.toContain(segment)
    }
    expect(await readdir(layout.journal)).toEqual([])
  })

  it('are left alone while the process that wrote their journal lives', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    await using first = await openFsBlobStore({ directory: directory.path })
    await Promise.all(blobs.map(blob => putSmall(first, blob)))
    await using second = await openFsBlobStore({ directory: directory.path })
    expect(await readdir(join(directory.path, 'journal'))).toHaveLength(1)
    await expectAllThere(second)
  })

  it('are refused, and not kept, when they are not what was announced', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'small-blobs-'))
    await using store = checkedBlobStore(await openFsBlobStore({ directory: directory.path }))
    const [one, other] = blobs
    if (!one || !other) throw new Error('there are no blobs')
    await expect(store.putBytes(one.bytes, { expect: [other.digest] })).rejects.toMatchObject({ kind: 'digest-mismatch' })
    await expect(store.putBytes(one.bytes, { size: 5 })).rejects.toMatchObject({ kind: 'body-incomplete' })
    expect(await digestsIn(store)).toEqual([])
    expect(await store.putBytes(one.bytes)).toMatchObject({ digest: one.digest, size: one.bytes.length })
  })
})

/** 18 MiB in batches of two: a file of the journal takes 16 and is then not written to any more. */
async function* moreThanAFile(): AsyncGenerator<Content[]> {
  for (let batch = 0; batch < 9; batch += 1)
    yield await Promise.all(Array.from({ length: 32 }, (_, index) => content(64 * 1024, 1000 + 32 * batch + index)))
}

async function putSmall(store: BlobStore, { digest, bytes }: Content): Promise<void> {
  await store.putSmall?.(digest, bytes)
}

async function expectAllThere(store: BlobStore): Promise<void> {
  for (const blob of blobs) await expectThere(store, blob)
}

async function expectThere(store: BlobStore, { digest, bytes }: Content): Promise<void> {
  expect(Buffer.compare(await readAll(await store.get(digest)), bytes)).toBe(0)
}

async function digestsIn(store: Pick<BlobStore, 'list'>): Promise<string[]> {
  const digests: string[] = []
  for await (const { digest } of store.list()) digests.push(digest)
  return digests
}
