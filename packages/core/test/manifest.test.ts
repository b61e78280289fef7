import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  canonicalJson,
  comparePathBytes,
  emptyBlob,
  type FileEntry,
  manifestAnnotations,
  manifestChunkBytes,
  manifestChunks,
  packageConfig,
  parseManifest,
} from '../src/index.ts'
import { facts, fileEntry } from './sample-package.ts'

const { digest, sha256, size } = fileEntry('config', packageConfig(facts))
const config = { digest, sha256, size }

async function chunksOf(
  files: Iterable<FileEntry>,
  annotations: Readonly<Record<string, string>> = manifestAnnotations(facts),
): Promise<string[]> {
  const chunks: string[] = []
  for await (const chunk of manifestChunks(config, files, annotations)) chunks.push(chunk)
  return chunks
}

async function manifestOf(files: Iterable<FileEntry>): Promise<string> {
  return (await chunksOf(files)).join('')
}

function manyFiles(count: number): FileEntry[] {
  return Array.from({ length: count }, (_, i) => fileEntry(`größe/${i % 7}/"${i}" \u{1f600}.txt`)).sort((a, b) =>
    comparePathBytes(a.path, b.path),
  )
}

describe('the config of a package', () => {
  it('is the RFC 8785 form of what can never change', () => {
    expect(packageConfig(facts)).toBe(
      '{"createdAt":"2026-01-02T03:04:05.006Z","createdBy":"ci","id":"0198c0de-0000-7000-8000-000000000001","inputs":[{"uri":"https://example.com/repo"}],"kind":"evidence","labels":{"branch":"main"},"name":"ci/nightly","producer":"ci job 42","version":"1.4.0"}',
    )
  })

  it('leaves out what the package does not have', () => {
    expect(packageConfig({ ...facts, version: undefined, producer: undefined })).not.toMatch(/version|producer/)
  })
})

describe('a manifest', () => {
  it('is an OCI image manifest in RFC 8785 form, frozen in this shape', async () => {
    const file = fileEntry('logs/run.txt', 'hello')
    expect(await manifestOf([file])).toBe(
      `{"annotations":{"org.opencontainers.image.created":"2026-01-02T03:04:05.006Z","org.opencontainers.image.title":"ci/nightly","org.opencontainers.image.version":"1.4.0"},"artifactType":"application/vnd.artifact-store.package.v1+json","config":{"annotations":{"io.artifact-store.blake3":"${config.digest}"},"digest":"${config.sha256}","mediaType":"application/vnd.artifact-store.package.config.v1+json","size":${config.size}},"layers":[{"annotations":{"io.artifact-store.blake3":"blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f","org.opencontainers.image.title":"logs/run.txt"},"digest":"${file.sha256}","mediaType":"text/plain","size":5}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}`,
    )
  })

  it.each([0, 1, 2, 5000])('of %i files comes in small pieces that together are canonical', async count => {
    const chunks = await chunksOf(manyFiles(count))
    const text = chunks.join('')
    expect(canonicalJson(JSON.parse(text))).toBe(text)
    expect(Math.max(...chunks.map(chunk => Buffer.byteLength(chunk)))).toBeLessThanOrEqual(manifestChunkBytes)
    expect(chunks.length).toBeLessThanOrEqual(Math.ceil(Buffer.byteLength(text) / (manifestChunkBytes - 1024)))
  })

  it('asks for no file before the ones it has were taken', async () => {
    let asked = 0
    async function* files() {
      for (const file of manyFiles(5000)) {
        asked += 1
        yield file
      }
    }
    const chunks = manifestChunks(config, files(), {})
    await chunks.next()
    expect(asked).toBeLessThan(500)
    await chunks.return()
  })

  it('without annotations has no member for them', async () => {
    expect((await chunksOf([], {})).join('')).toMatch(/^\{"artifactType"/)
  })

  it.each([
    ['backwards', ['b', 'a']],
    ['twice', ['a', 'a']],
    ['in the order of UTF-16 units', ['\u{1f600}', '\ufb33']],
  ])('is not made of files that come %s', async (_, paths) => {
    await expect(manifestOf(paths.map(path => fileEntry(path)))).rejects.toThrow(expect.objectContaining({ kind: 'internal' }))
  })

  it('of an empty package has the empty descriptor of OCI 1.1 as its layer', async () => {
    expect(emptyBlob.sha256).toBe(`sha256:${createHash('sha256').update(emptyBlob.text).digest('hex')}`)
    expect(JSON.parse(await manifestOf([]))).toMatchObject({
      layers: [{ mediaType: 'application/vnd.oci.empty.v1+json', digest: emptyBlob.sha256, size: 2, data: 'e30=' }],
    })
  })

  it.each([0, 1, 300])('of %i files reads back as what it was made of', async count => {
    const files = manyFiles(count)
    const manifest = parseManifest(Buffer.from(await manifestOf(files)))
    expect(manifest).toEqual({ config, annotations: manifestAnnotations(facts), files })
  })
})

describe('reading a manifest', () => {
  async function changed(change: (manifest: string) => string): Promise<string> {
    return change(await manifestOf([fileEntry('a', 'x'), fileEntry('b', 'y')]))
  }

  it.each<[string, (manifest: string) => string]>([
    ['is not an artifact-store package', text => text.replace('vnd.artifact-store.package.v1', 'vnd.example.v1')],
    ['has a path that escapes', text => text.replace('title":"a"', 'title":"../a"')],
    ['has a path that is not normalised', text => text.replace('title":"b"', 'title":"e\u0301"')],
    ['has its layers out of order', text => text.replace('title":"a"', 'title":"c"')],
    ['has a path twice', text => text.replace('title":"a"', 'title":"b"')],
    ['has a layer without a digest', text => text.replace(/"io\.artifact-store\.blake3":"[^"]*","org\.open/, '"org.open')],
    ['has a negative size', text => text.replace('"size":1}', '"size":-1}')],
    ['has no layers', text => text.replace(/"layers":\[.*\]/, '"layers":[]')],
    ['has a member that we never write', text => text.replace('"schemaVersion":2', '"schemaVersion":2,"subject":{}')],
  ])('refuses one that %s', async (_, change) => {
    const text = await changed(change)
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })

  it('refuses one with a key twice', async () => {
    const text = await changed(manifest => manifest.replace('"schemaVersion":2', '"schemaVersion":2,"schemaVersion":2'))
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ kind: 'invalid-json' }))
  })
})
