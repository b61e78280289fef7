import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { content, listed, mebibyte, put, readAll, stream } from '../src/conformance/content.ts'
import { describeBlobStore } from '../src/conformance.ts'
import { BlockPool } from '../src/disk/block-pool.ts'

import { writeGathered } from '../src/disk/write-gathered.ts'
import { openFsBlobStore } from '../src/index.ts'
import { abandonedAfter } from '../src/staging-name.ts'
import { startProgram } from './programs.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'blobs-fs-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let directory = ''
const openStore = async () => {
  directory = await mkdtemp(join(root, 'store-'))
  return openFsBlobStore({ directory })
}
describeBlobStore('the store in a directory', openStore, { residue: () => readdir(join(directory, 'staging')) })

describe('the directory of a store', () => {
  it('has each blob in a read-only file named by its digest', async () => {
    await using store = await openStore()
    const blob = await content(5000)
    await put(store, blob)
    const hex = blob.digest.slice('blake3:'.length)
    const path = join(directory, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
    expect(Buffer.compare(await readFile(path), blob.bytes)).toBe(0)
    expect((await stat(path)).mode & 0o222).toBe(0)
  })

  it('is made with all that is above it, and found again by the next store', async () => {
    directory = join(root, 'not', 'there', 'yet')
    const blob = await content(5000)
    {
      await using store = await openFsBlobStore({ directory })
      await put(store, blob)
    }
    await using store = await openFsBlobStore({ directory })
    expect(Buffer.compare(await readAll(await store.get(blob.digest)), blob.bytes)).toBe(0)
  })

  it('gives of a small blob whose size is another one what shows that', async () => {
    await using store = await openStore()
    const blob = await content(5000)
    await put(store, blob)
    expect(await store.getSmall?.(blob.digest, 4999)).toHaveLength(5000)
    expect(await store.getSmall?.(blob.digest, 10)).toHaveLength(11)
    expect(await store.getSmall?.(blob.digest, 0)).toHaveLength(1)
    expect(await store.getSmall?.(blob.digest, 5001)).toHaveLength(5000)
  })

  it('has what is large whole and read-only, though most of it went past the page cache', async () => {
    await using store = await openStore()
    for (const size of [17 * mebibyte, 20 * mebibyte + 5]) {
      const blob = await content(size)
      await put(store, blob)
      const hex = blob.digest.slice('blake3:'.length)
      const path = join(directory, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
      expect(Buffer.compare(await readFile(path), blob.bytes)).toBe(0)
      expect((await stat(path)).mode & 0o222).toBe(0)
      // Past the cache, through it, and from a place where no block begins.
      for (const start of [0, 0, 12_345]) {
        const range = { start, end: size }
        expect(Buffer.compare(await readAll(await store.get(blob.digest, { range })), blob.bytes.subarray(start))).toBe(0)
      }
    }
  })

  it('may hold files of others, which are neither listed nor removed', async () => {
    await using store = await openStore()
    const blob = await content(5000)
    await put(store, blob)
    const hex = blob.digest.slice('blake3:'.length)
    const foreign = [
      join(directory, 'blobs', 'blake3', 'lost+found'),
      join(directory, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), '.DS_Store'),
      join(directory, 'staging', 'README'),
    ]
    for (const path of foreign) {
      await writeFile(path, 'mine')
      await utimes(path, 0, 0)
    }
    await using again = await openFsBlobStore({ directory })
    expect(await listed(again)).toEqual([blob.digest])
    for (const path of foreign) expect(await readFile(path, 'utf8')).toBe('mine')
  })

  it('may lose a shard to someone’s clean-up: the put fails, the next one succeeds', async () => {
    await using store = await openStore()
    const blob = await content(5000)
    await put(store, blob)
    await rm(join(directory, 'blobs', 'blake3', blob.digest.slice(7, 9)), { recursive: true })
    await expect(put(store, blob)).rejects.toMatchObject({ kind: 'backend-unavailable' })
    await put(store, blob)
    expect(await store.stat(blob.digest)).toEqual({ size: 5000 })
  })

  it('that has gone away, as an unmounted disk does, is an error and not a missing blob', async () => {
    await using store = await openStore()
    const { digest } = await content(5000)
    await rm(directory, { recursive: true })
    const gone = { kind: 'backend-unavailable', details: { code: 'ENOENT' } }
    await expect(store.get(digest)).rejects.toMatchObject(gone)
    await expect(store.stat(digest)).rejects.toMatchObject(gone)
    await expect(store.delete(digest)).rejects.toMatchObject(gone)
    await expect(listed(store)).rejects.toMatchObject(gone)
    await expect(store.probe()).rejects.toMatchObject(gone)
  })
})

describe('a process that is killed in the middle of a put', () => {
  it('leaves nothing under a digest, and its staging file goes when a store is opened next, not while it lives', async () => {
    directory = await mkdtemp(join(root, 'killed-'))
    const program = startProgram('put-and-hang.ts', [directory])
    await program.saidLine('half way')
    await using beside = await openFsBlobStore({ directory })
    const [staged] = await readdir(join(directory, 'staging'))
    expect((await stat(join(directory, 'staging', staged ?? 'none'))).size).toBe(8 * mebibyte)

    await program.kill('SIGKILL')
    expect(await listed(beside)).toEqual([])
    await using store = await openFsBlobStore({ directory })
    expect(await readdir(join(directory, 'staging'))).toEqual([])
    expect(await listed(store)).toEqual([])
  })
})

describe('a staging file of a process elsewhere, which cannot be asked whether it lives', () => {
  // A pid that this machine does not have says nothing about the machine where it was given.
  const name = '0123456789abcdef.99999999.0123456789abcdef'

  it('stays while it may be in use, and goes when nobody wrote to it for a day', async () => {
    directory = await mkdtemp(join(root, 'elsewhere-'))
    const staged = join(directory, 'staging', name)
    await mkdir(join(directory, 'staging'))
    await writeFile(staged, 'half of a blob')
    await using _first = await openFsBlobStore({ directory })
    expect(await readdir(join(directory, 'staging'))).toEqual([name])

    const longAgo = new Date(Date.now() - abandonedAfter - 60_000)
    await utimes(staged, longAgo, longAgo)
    await using _second = await openFsBlobStore({ directory })
    expect(await readdir(join(directory, 'staging'))).toEqual([])
  })
})

describe('a disk that is full', () => {
  it('refuses the put as storage-full, keeps nothing of it, and still takes what fits', async () => {
    directory = await mkdtemp(join(root, 'full-'))
    // A limit on the size of a file is a full disk that any user can have; the kernel answers EFBIG in the middle of a write.
    const program = startProgram('put-two-sizes.ts', [directory], { fileSizeLimitKiB: 1536 })
    expect(JSON.parse(await program.output())).toEqual({ large: 'storage-full', staged: [], small: 'kept', listed: 1 })
  })

  it('is known by the kernel’s ENOSPC', async () => {
    const full = await open('/dev/full', 'w')
    try {
      const { bytes } = await content(1000)
      await expect(writeGathered(full, '/dev/full', stream(bytes), new BlockPool())).rejects.toMatchObject({
        kind: 'storage-full',
        details: { code: 'ENOSPC' },
        cause: { code: 'ENOSPC' },
      })
    } finally {
      await full.close()
    }
  })
})

describe('a directory that may not be written to', () => {
  it('makes puts and probes fail as backend-unavailable, and leaves reads alone', async () => {
    await using store = await openStore()
    const blob = await content(1000)
    await put(store, blob)
    await chmod(root, 0o755)
    await chmod(directory, 0o755)
    await chmod(join(directory, 'staging'), 0o555)
    const program = startProgram('write-unprivileged.ts', [directory, blob.digest])
    expect(JSON.parse(await program.output())).toEqual({
      put: 'backend-unavailable EACCES',
      probe: 'backend-unavailable EACCES',
      read: 1000,
    })
  })

  it('cannot be opened when its place is taken by a file', async () => {
    const path = join(root, 'a-file')
    await writeFile(path, '')
    await expect(openFsBlobStore({ directory: join(path, 'store') })).rejects.toMatchObject({
      kind: 'backend-unavailable',
      details: { code: 'ENOTDIR' },
      cause: { code: 'ENOTDIR' },
    })
  })
})
