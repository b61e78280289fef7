import { randomUUID } from 'node:crypto'
import type { SharedCeph } from '@artifact-store/testkit'
import { expect, inject, it } from 'vitest'
import { openS3BlobStore, type S3Options } from '../src/backends/s3.ts'
import { content, mebibyte, put, readAll } from '../src/conformance/content.ts'
import { describeBlobStore } from '../src/conformance.ts'
import { parseS3Address } from '../src/s3/address.ts'
import { S3Calls } from '../src/s3/calls.ts'
import { openS3Client } from '../src/s3/client.ts'
import { s3Keys } from '../src/s3/keys.ts'
import { listObjects } from '../src/s3/list.ts'
import { multipartUploads } from '../src/s3/multipart.ts'

const ceph: SharedCeph = inject('ceph')
const settings = (prefix: string): S3Options => ({
  ...parseS3Address(new URL(`s3://${ceph.bucket}/${prefix}?endpoint=${ceph.endpoint}&pathStyle=true&partMiB=1`)),
  credentials: ceph,
})
await using examined = await openS3BlobStore(settings('examined'))
const report = examined.report()

let current = settings('none')
const open = () => {
  current = settings(randomUUID())
  return openS3BlobStore({ ...current, findings: report.findings })
}
const residue = async () => {
  const calls = new S3Calls(openS3Client(current, ceph), current)
  const { staging, trials } = s3Keys(current.prefix)
  const left: string[] = []
  for (const place of [staging, trials]) {
    for await (const { key } of multipartUploads(calls, place)) left.push(key)
    for await (const { key } of listObjects(calls, place)) left.push(key)
  }
  return left
}
describeBlobStore(`the store on ${ceph.version}`, open, { residue })

it('an examination finds what the store rests on, and shows the rest', () => {
  const lines = report.findings.map(({ capability, works, seen }) => `${capability.padEnd(22)} ${works ? 'yes' : 'no '}  ${seen}`)
  process.stdout.write(`\n${ceph.version}\n${lines.join('\n')}\n\n`)
  const works = Object.fromEntries(report.findings.map(finding => [finding.capability, finding.works]))
  expect(works).toMatchObject({ range: true, copy: true, 'copy-part': true, 'list-after-write': true, 'conditional-put': true })
})

it('a very large blob is copied in pieces, and a store that uses no capability gives the same bytes', async () => {
  await using pieces = await openS3BlobStore({
    ...settings(randomUUID()),
    findings: report.findings,
    copyPieceSize: 4 * mebibyte,
  })
  await using least = await openS3BlobStore({ ...settings(randomUUID()), findings: [] })
  const blob = await content(17 * mebibyte + 3)
  for (const store of [pieces, least]) {
    await put(store, blob)
    expect(Buffer.compare(await readAll(await store.get(blob.digest)), blob.bytes)).toBe(0)
    const range = { start: 9_000_000, end: 9_000_100 }
    expect(
      Buffer.compare(await readAll(await store.get(blob.digest, { range })), blob.bytes.subarray(9_000_000, 9_000_100)),
    ).toBe(0)
  }
})

it('an address that was signed opens its blob, whole and in part, and nothing else', async () => {
  await using store = await open()
  const [mine, other] = [await content(3 * mebibyte, 1), await content(1000, 2)]
  for (const one of [mine, other]) await put(store, one)
  const disposition = `attachment; filename="gr__e.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt`
  const address = (await store.presignGet?.(mine.digest, { seconds: 300, mediaType: 'text/plain', disposition })) ?? ''
  const answer = await fetch(address)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(answer.headers.get('content-disposition')).toBe(disposition)
  expect(Buffer.from(await answer.arrayBuffer()).equals(mine.bytes)).toBe(true)
  const part = await fetch(address, { headers: { range: 'bytes=2000000-' } })
  expect(part.status).toBe(206)
  expect(Buffer.from(await part.arrayBuffer()).equals(mine.bytes.subarray(2_000_000))).toBe(true)
  expect((await fetch(address.replace(mine.digest.slice(7), other.digest.slice(7)))).status).toBe(403)
  expect((await fetch(address, { method: 'DELETE' })).status).toBe(403)
})
