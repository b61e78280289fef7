import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { content, put } from '../src/conformance/content.ts'
import { blobStoreSchemes, openBlobStore, openDerivedStore } from '../src/index.ts'

describe('openBlobStore', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'blobs-open-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('knows every backend that there is', async () => {
    const files = await readdir(new URL('../src/backends/', import.meta.url))
    expect(new Set(files.map(file => file.replace(/\.ts$/, '')))).toEqual(new Set(blobStoreSchemes))
  })

  it('opens a directory, whatever characters its path has', async () => {
    const path = join(directory, 'räum & 100% #1?')
    const blob = await content(1000)
    await using store = await openBlobStore(`fs://${encodeURI(path).replace('#', '%23').replace('?', '%3F')}`)
    await put(store, blob)
    await using again = await openBlobStore(`fs://${path.split('/').map(encodeURIComponent).join('/')}`)
    expect(await again.stat(blob.digest)).toEqual({ size: 1000 })
  })

  it('opens a store in memory', async () => {
    await using store = await openBlobStore('memory:')
    await store.probe()
  })

  it('keeps the records of blocks apart from the blobs, below their directory', async () => {
    const url = `fs://${join(directory, 'apart')}`
    const blob = await content(1000)
    await using blobs = await openBlobStore(url)
    await using blocks = await openDerivedStore(`${url}/`, 'blocks')
    await put(blocks, blob)
    expect(await blobs.stat(blob.digest)).toBeUndefined()
    expect(await readdir(join(directory, 'apart'))).toEqual(['blobs', 'blocks', 'journal', 'staging', 'uploads'])
    await using _ = await openDerivedStore('memory:', 'blocks')
    await expect(openDerivedStore('nowhere', 'blocks')).rejects.toMatchObject({ kind: 'configuration' })
  })

  it.for(['ftp://host/dir', 'constructor:', '/var/lib/blobs', 'blobs', ''])(
    'names the backends that there are when it is given "%s"',
    async url => {
      await expect(openBlobStore(url)).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringContaining('known are fs:, memory:, s3:'),
      })
    },
  )

  it('keeps the secret of an address out of its message', async () => {
    await expect(openBlobStore('s4://user:hunter2@host')).rejects.toSatisfy(error => !String(error).includes('hunter2'))
  })

  it.for(['fs://var/lib/blobs', 'fs:relative', 'fs:', 'fs:///var/lib?x=1', 'fs:///var/lib#x', 'fs:///var%00', 'fs:///100%'])(
    'refuses "%s", which names no directory, and says how to write one',
    async url => {
      await expect(openBlobStore(url)).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.stringContaining('fs:///var/lib/artifact-store'),
      })
    },
  )

  it.for(['memory:x', 'memory://host', 'memory:?size=1'])('refuses settings of a store in memory: "%s"', async url => {
    await expect(openBlobStore(url)).rejects.toMatchObject({ kind: 'configuration' })
  })
})
