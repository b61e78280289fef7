import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEventPages } from '../src/http-events.ts'
import { type RawRequest, rawRequest } from '../src/raw-request.ts'
import { type RunningStore, startStore } from '../src/running-store.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../src/temporary-directory.ts'

const opened = new AsyncDisposableStack()
let scratch: TemporaryDirectory
let store: RunningStore
let packages: { readonly open: string; readonly finalized: string; readonly discarded: string }
let finalized: { readonly manifestDigest: string; readonly manifestSha256: string }

beforeAll(async () => {
  scratch = opened.use(await temporaryDirectory())
  store = opened.use(await startStore({ dataDirectory: join(scratch.path, 'data') }))
  using client = store.client()
  const create = async () => (await client.packages.create({ name: 'ci/bad-input', kind: 'evidence' })).id
  packages = { open: await create(), finalized: await create(), discarded: await create() }
  for (const id of Object.values(packages)) await client.files.put(id, 'there/file.txt', { body: Buffer.from('as it was') })
  // Composed; decomposed it is the same path.
  await client.files.put(packages.open, 'caf\u00e9', { body: Buffer.from('au lait') })
  finalized = await client.packages.finalize(packages.finalized)
  await client.packages.discard(packages.discarded)
})
afterAll(() => opened.disposeAsync())

/** Everything that the log and the blob directory hold, half-written files included. */
async function footprint() {
  const blobs = await readdir(join(scratch.path, 'data', 'blobs'), { recursive: true })
  return { events: await readEventPages(store, 1000), blobs: blobs.toSorted((a, b) => (a < b ? -1 : 1)) }
}

interface BadInput {
  readonly what: string
  readonly kind: string
  readonly status: number
  readonly request: () => RawRequest
}

const nobody = '01a205eb-9671-7575-b9d6-d71da8370684'
const json = { 'content-type': 'application/json' }
const put = (path: string, given: Partial<RawRequest> = {}) => ({
  method: 'PUT',
  target: `/v1/packages/${packages.open}/files/${path}`,
  body: 'other bytes',
  ...given,
})
const reprDigest = (text: string) => ({ 'repr-digest': `sha-256=:${createHash('sha256').update(text).digest('base64')}:` })

const badInputs: readonly BadInput[] = [
  {
    what: 'bytes with another digest than stated',
    kind: 'digest-mismatch',
    status: 400,
    request: () => put('new', { headers: reprDigest('not these') }),
  },
  {
    what: 'a blob under a digest that it does not have',
    kind: 'digest-mismatch',
    status: 400,
    request: () => ({ method: 'PUT', target: `/v1/blobs/blake3:${'0'.repeat(64)}`, body: 'not nothing' }),
  },
  {
    what: 'a body that breaks off',
    kind: 'body-incomplete',
    status: 400,
    request: () => put('new', { body: 'x'.repeat(100_000), declaring: 1_000_000 }),
  },
  ...['../outside', 'a/../../outside', '%2e%2e/outside', '..%2foutside', '..%5coutside', './here', '%2e/here'].map(path => ({
    what: `the path ${path}, which escapes`,
    kind: 'invalid-path',
    status: 400,
    request: () => put(path),
  })),
  { what: 'an absolute path', kind: 'invalid-path', status: 400, request: () => put('%2fetc%2fpasswd') },
  { what: 'a path with NUL', kind: 'invalid-path', status: 400, request: () => put('a%00b') },
  { what: 'a path that is taken by other bytes', kind: 'path-taken', status: 409, request: () => put('there/file.txt') },
  {
    what: 'a path that is taken once it is normalised',
    kind: 'path-taken',
    status: 409,
    request: () => put(encodeURIComponent('cafe\u0301')),
  },
  { what: 'a path below a file', kind: 'path-conflict', status: 409, request: () => put('there/file.txt/below') },
  { what: 'a path that is a directory', kind: 'path-conflict', status: 409, request: () => put('there') },
  {
    what: 'oversized JSON',
    kind: 'body-too-large',
    status: 413,
    request: () => ({
      method: 'POST',
      target: '/v1/packages',
      headers: json,
      body: JSON.stringify({ name: 'a', kind: 'b', producer: 'x'.repeat(2 ** 21) }),
    }),
  },
  {
    what: 'JSON with a key twice',
    kind: 'invalid-json',
    status: 400,
    request: () => ({ method: 'POST', target: '/v1/packages', headers: json, body: '{"name":"a","name":"b","kind":"c"}' }),
  },
  {
    what: 'a file for a package that there is not',
    kind: 'package-not-found',
    status: 404,
    request: () => put('', { target: `/v1/packages/${nobody}/files/new` }),
  },
  {
    what: 'finalizing a package that there is not',
    kind: 'package-not-found',
    status: 404,
    request: () => ({ method: 'POST', target: `/v1/packages/${nobody}/finalize` }),
  },
  {
    what: 'a file for a package that is finalized',
    kind: 'package-sealed',
    status: 409,
    request: () => put('', { target: `/v1/packages/${packages.finalized}/files/new` }),
  },
  {
    what: 'finalizing what was discarded',
    kind: 'package-sealed',
    status: 409,
    request: () => ({ method: 'POST', target: `/v1/packages/${packages.discarded}/finalize` }),
  },
  {
    what: 'finalizing again with another manifest in mind',
    kind: 'manifest-mismatch',
    status: 409,
    request: () => ({
      method: 'POST',
      target: `/v1/packages/${packages.finalized}/finalize`,
      headers: json,
      body: JSON.stringify({ expectedManifestDigest: `blake3:${'0'.repeat(64)}` }),
    }),
  },
]

describe('the whole store', () => {
  it.for(badInputs)('answers $what with the problem $kind, and is as it was before', async ({ kind, status, request }) => {
    const before = await footprint()
    const answer = await rawRequest(store, request())
    expect(answer).toMatchObject({
      status,
      contentType: 'application/problem+json',
      document: { type: `https://artifact-store.dev/problems/${kind}`, status, detail: expect.stringMatching(/.{20}/) },
    })
    // Half a body is answered at once and swept away right behind that.
    await expect.poll(footprint, { timeout: 30_000 }).toEqual(before)
  })

  it('answers a package that is finalized twice with the same manifest, and writes nothing', async () => {
    const before = await footprint()
    using client = store.client()
    const { manifestDigest, manifestSha256 } = finalized
    expect(await client.packages.finalize(packages.finalized)).toMatchObject({ manifestDigest, manifestSha256 })
    expect(await footprint()).toEqual(before)
  })
})
