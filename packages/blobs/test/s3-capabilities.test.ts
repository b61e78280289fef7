import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { content, mebibyte, put, readAll } from '../src/conformance/content.ts'
import type { Finding } from '../src/index.ts'
import { type S3UnderTest, startS3UnderTest } from './s3-under-test.ts'

const seen = (findings: readonly Finding[]) => Object.fromEntries(findings.map(({ capability, works }) => [capability, works]))

describe('an examination', () => {
  it('finds everything on a server that does all it should, and leaves nothing behind', async () => {
    await using s3 = await startS3UnderTest()
    expect(seen(s3.findings)).toEqual({
      range: true,
      copy: true,
      'copy-part': true,
      'list-after-write': true,
      checksum: true,
      'conditional-put': true,
      'conditional-completion': true,
    })
    expect([...s3.server.state.objects.keys()]).toEqual([])
    expect(s3.server.state.uploads.size).toBe(0)
  })

  it('finds out what a server only claims to do', async () => {
    await using s3 = await startS3UnderTest({
      quirks: {
        rangesFromTheStart: true,
        ignoresConditions: true,
        ignoresChecksums: true,
        copiesHalf: true,
        listsLateByMs: 60_000,
      },
    })
    expect(s3.findings.filter(({ works }) => works)).toEqual([])
    expect(s3.findings.map(({ seen: sentence }) => sentence)).toEqual(
      expect.arrayContaining([
        'bytes 1 to 1 of an object were asked for, and other bytes came',
        'the copy had other bytes',
        'an object was not listed right after it was written',
        'bytes with a wrong checksum were stored',
        'the condition was ignored, and the object was replaced',
      ]),
    )
  })

  it('can be repeated, and what it finds is taken into account from then on', async () => {
    await using s3 = await startS3UnderTest()
    await using store = await s3.open({ findings: [] })
    expect(store.report().findings).toEqual([])
    const before = store.report().examinedAt
    const report = await store.examine()
    expect(report.findings).toEqual(s3.findings)
    expect(report.examinedAt?.getTime()).toBeGreaterThanOrEqual(before?.getTime() ?? 0)
    expect(report.address).toMatch(
      /^s3:\/\/artifacts\/[0-9a-f-]+\?endpoint=http:\/\/127.0.0.1:\d+&region=us-east-1&pathStyle=true$/,
    )
  })
})

describe('a store', () => {
  let s3: S3UnderTest
  beforeAll(async () => {
    s3 = await startS3UnderTest()
  })
  afterAll(() => s3[Symbol.asyncDispose]())
  const size = 3 * mebibyte + 5
  const without = (...capabilities: readonly string[]) =>
    s3.findings.map(finding => (capabilities.includes(finding.capability) ? { ...finding, works: false } : finding))
  const requests = async (act: () => Promise<unknown>) => {
    const made: string[] = []
    s3.server.misbehave(({ method, headers, query }) => {
      const copies = headers['x-amz-copy-source'] === undefined ? '' : ' copy'
      const range = headers['range'] === undefined ? '' : ` ${headers['range']}`
      made.push(`${method}${query.has('partNumber') ? ' part' : ''}${copies}${range}`)
      return undefined
    })
    await act()
    s3.server.misbehave(undefined)
    return made
  }

  it('copies a large blob to its digest in the server', async () => {
    await using store = await s3.open()
    const blob = await content(size)
    const made = await requests(() => put(store, blob))
    expect(made.filter(request => request.includes('copy'))).toEqual(['PUT copy'])
    expect(made).not.toContain('GET')
  })

  it('copies a very large one in pieces', async () => {
    await using store = await s3.open({ copyPieceSize: mebibyte })
    const blob = await content(size)
    const made = await requests(() => put(store, blob))
    expect(made.filter(request => request.includes('copy'))).toEqual(Array.from({ length: 4 }, () => 'PUT part copy'))
    expect(Buffer.compare(await readAll(await store.get(blob.digest)), blob.bytes)).toBe(0)
  })

  it('copies through itself where the server was not seen to copy', async () => {
    await using store = await s3.open({ findings: without('copy', 'copy-part') })
    const blob = await content(size)
    const made = await requests(() => put(store, blob))
    expect(made.filter(request => request.includes('copy'))).toEqual([])
    expect(made.filter(request => request === 'PUT part')).toHaveLength(8)
    expect(Buffer.compare(await readAll(await store.get(blob.digest)), blob.bytes)).toBe(0)
    expect(await s3.residue()).toEqual([])
  })

  it('asks for a range where the server was seen to serve it, and else reads from the beginning', async () => {
    await using store = await s3.open()
    const blob = await content(size)
    await put(store, blob)
    const range = { start: 1_000_000, end: 1_000_010 }
    expect(await requests(async () => readAll(await store.get(blob.digest, { range })))).toEqual([
      'HEAD',
      'GET bytes=1000000-1000009',
    ])
    await using other = await s3.open({ findings: without('range') })
    await put(other, blob)
    expect(await requests(async () => readAll(await other.get(blob.digest, { range })))).toEqual(['HEAD', 'GET'])
  })

  it('goes on with a read that breaks off, from where it was', async () => {
    await using store = await s3.open()
    const blob = await content(size)
    await put(store, blob)
    let broken = 0
    s3.server.misbehave(({ method }) => {
      if (method !== 'GET' || broken === 3) return undefined
      broken += 1
      return { kind: 'cut', after: 500_000 }
    })
    expect(Buffer.compare(await readAll(await store.get(blob.digest)), blob.bytes)).toBe(0)
    expect(broken).toBe(3)
  })
})
