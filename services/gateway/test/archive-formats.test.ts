import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import type { ByteRange } from '@artifact-store/blobs'
import { type ArtifactPath, type Digest, parseArtifactPath } from '@artifact-store/core'
import { Parser, type ReadEntry } from 'tar'
import { describe, expect, it } from 'vitest'
import yauzl from 'yauzl'
import { type ArchiveSource, archiveBytes, archiveLength, archiveTotals } from '../src/archive/archive.ts'
import type { ArchivedFile, ArchiveFormat } from '../src/archive/format.ts'
import { gathered } from '../src/archive/gather.ts'
import { tarFormat } from '../src/archive/tar.ts'
import { zipFormat } from '../src/archive/zip.ts'

const mebibyte = 1024 * 1024
const longName = `${'deep/'.repeat(60)}${'long'.repeat(30)}.txt`
const small = {
  'a.txt': 'a',
  [`${'x'.repeat(100)}`]: 'a name that just fits',
  [`${'y'.repeat(101)}`]: 'a name that just does not',
  'dir/empty': '',
  [longName]: 'deep down',
  'exactly-a-block': 'b'.repeat(512),
  'ünïcödé/🎉 party=': 'not ASCII',
  'with space & "quotes"': "it's fine",
}

/** Files in the order of their paths' bytes, in pages of three, as an archive has them. */
function sourceOf(files: Readonly<Record<string, string>>): ArchiveSource {
  const list = Object.entries(files)
    .map(([path, text]) => ({ path: parseArtifactPath(path), digest: text as Digest, size: Buffer.byteLength(text) }))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  return {
    async *pages() {
      for (let at = 0; at < list.length; at += 3) {
        const page = list.slice(at, at + 3)
        yield { files: page, checksums: async () => Uint32Array.from(page, ({ digest }) => crc32(digest)) }
      }
    },
    open: async ({ digest }, { start, end }) => Readable.from([Buffer.from(digest).subarray(start, end)]),
  }
}

async function read(format: ArchiveFormat, source: ArchiveSource, range?: ByteRange): Promise<Buffer> {
  const totals = await archiveTotals(format, source)
  return buffer(gathered(archiveBytes(format, source, totals, range ?? { start: 0, end: archiveLength(format, totals) })))
}

describe.each([tarFormat, zipFormat])('an archive as $name', format => {
  const unpack = format.name === 'tar' ? untar : unzip

  it.each([
    ['files of every kind of name', small],
    ['one file', { x: 'x' }],
    ['no file', {}],
    ['1,000 files', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f/${i}`, `file ${i}`]))],
  ])('has what another program reads: %s', async (_, files) => {
    expect(await unpack(await read(format, sourceOf(files)))).toEqual(new Map(Object.entries(files)))
  })

  it('is as long as it was said to be before it was read, and the same every time', async () => {
    const source = sourceOf(small)
    const bytes = await read(format, source)
    expect(bytes.length).toBe(archiveLength(format, await archiveTotals(format, source)))
    expect(Buffer.compare(bytes, await read(format, source))).toBe(0)
  })

  it('is in every part what it is as a whole', async () => {
    const source = sourceOf(small)
    const whole = await read(format, source)
    for (let start = 0; start < whole.length; start += 137) {
      for (const length of [1, 7, 512, 100_000]) {
        const end = Math.min(whole.length, start + length)
        expect(Buffer.compare(await read(format, source, { start, end }), whole.subarray(start, end))).toBe(0)
      }
    }
  })

  it('opens no file that a part does not touch', async () => {
    const opened: ArtifactPath[] = []
    const source = sourceOf(small)
    const watched: ArchiveSource = {
      ...source,
      open(file, range) {
        opened.push(file.path)
        return source.open(file, range)
      },
    }
    const whole = await read(format, source)
    const start = whole.indexOf('b'.repeat(512))
    await read(format, watched, { start: start + 10, end: start + 20 })
    expect(opened).toEqual(['exactly-a-block'])
    await read(format, watched, { start: whole.length - 1, end: whole.length })
    expect(opened).toHaveLength(1)
  })

  it('is not completed when the files are others than those that were laid out', async () => {
    const totals = await archiveTotals(format, sourceOf(small))
    const { 'a.txt': _, ...fewer } = small
    const range = { start: 0, end: archiveLength(format, totals) }
    await expect(buffer(archiveBytes(format, sourceOf(fewer), totals, range))).rejects.toThrow('changed while it was sent')
  })
})

describe('an archive of more than plain headers can say', () => {
  /** Files of zeros, as large and as many as need be: only what is asked for is made. */
  const zeros = (sizes: readonly number[]): ArchiveSource => ({
    async *pages() {
      for (let at = 0; at < sizes.length; at += 1000) {
        const files = sizes
          .slice(at, at + 1000)
          .map((size, index): ArchivedFile => ({ path: pathOf(at + index), digest: 'zeros' as Digest, size }))
        yield { files, checksums: async () => new Uint32Array(files.length) }
      }
    },
    async open(_, { start, end }) {
      return (async function* () {
        for (let left = end - start; left > 0; left -= mebibyte) yield new Uint8Array(Math.min(left, mebibyte))
      })()
    },
  })
  const pathOf = (index: number) => parseArtifactPath(`files/${String(index).padStart(6, '0')}`)

  it.each([
    ['a file of 5 GiB and what comes behind it', [5 * 1024 * mebibyte, 10]],
    ['a file of 4 GiB - 1 byte', [0xffff_ffff]],
  ])('is a zip that another program finds its way in: %s', async (_, sizes) => {
    const source = zeros(sizes)
    const totals = await archiveTotals(zipFormat, source)
    const listed = await listZip(zipFormat, source, archiveLength(zipFormat, totals), totals)
    expect(listed).toHaveLength(sizes.length)
    expect(listed.map(({ size }) => size)).toEqual(sizes)
    // The headers before the bytes say the same, wherever they are.
    for (const { offset, size, path } of listed.slice(-3)) {
      const head = await buffer(archiveBytes(zipFormat, source, totals, { start: offset, end: offset + 30 + path.length }))
      expect(head.readUInt32LE(0)).toBe(0x0403_4b50)
      expect(head.readUInt32LE(18)).toBe(Math.min(size, 0xffff_ffff))
      expect(head.subarray(30).toString()).toBe(path)
    }
  })

  it('is a zip that another program finds its way in: 65,536 files', async () => {
    const source = zeros(Array.from({ length: 65_536 }, () => 0))
    const zip = await yauzl.fromBufferPromise(await read(zipFormat, source), { lazyEntries: true })
    let count = 0
    for await (const { fileName } of zip.eachEntry()) {
      if (count % 1000 === 0) expect(fileName).toBe(pathOf(count))
      count += 1
    }
    expect(count).toBe(65_536)
  })

  it('is a tar whose extended header has the size of a file of 9 GiB', async () => {
    const source = zeros([9 * 1024 * mebibyte, 1])
    const totals = await archiveTotals(tarFormat, source)
    const heads = await buffer(archiveBytes(tarFormat, source, totals, { start: 0, end: 3 * 512 }))
    const parser = new Parser()
    const found = once(parser, 'entry') as Promise<[ReadEntry]>
    parser.write(heads)
    const [{ path, size }] = await found
    expect({ path, size }).toEqual({ path: pathOf(0), size: 9 * 1024 * mebibyte })
  })
})

async function untar(bytes: Buffer): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const pending: Promise<unknown>[] = []
  const parser = new Parser({
    // It takes an empty archive for none at all.
    strict: bytes.length > 1024,
    onReadEntry: entry => {
      expect({ type: entry.type, mode: entry.mode, time: entry.mtime?.toISOString() }).toEqual({
        type: 'File',
        mode: 0o644,
        time: '1980-01-01T00:00:00.000Z',
      })
      pending.push(entry.concat().then(content => files.set(entry.path, content.toString())))
    },
  })
  parser.end(bytes)
  await Promise.all(pending)
  return files
}

async function unzip(bytes: Buffer): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const zip = await yauzl.fromBufferPromise(bytes, { lazyEntries: true })
  for await (const entry of zip.eachEntry()) {
    const content = await buffer(await zip.openReadStreamPromise(entry))
    // The reader looks at lengths and leaves this to others.
    expect(crc32(content)).toBe(entry.crc32)
    files.set(entry.fileName, content.toString())
  }
  return files
}

/** Reads the directory by the parts that the reader asks for. */
async function listZip(
  format: ArchiveFormat,
  source: ArchiveSource,
  length: number,
  totals: Awaited<ReturnType<typeof archiveTotals>>,
): Promise<{ path: string; size: number; offset: number }[]> {
  class Archive extends yauzl.RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      return Readable.from(archiveBytes(format, source, totals, { start, end }))
    }
  }
  const zip = await yauzl.fromRandomAccessReaderPromise(new Archive(), length, { autoClose: false, lazyEntries: true })
  const listed = []
  for await (const entry of zip.eachEntry())
    listed.push({ path: entry.fileName, size: entry.uncompressedSize, offset: entry.relativeOffsetOfLocalHeader })
  return listed
}
