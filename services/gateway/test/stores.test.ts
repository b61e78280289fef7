import { mkdtempDisposable, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashBytes } from '@artifact-store/blobs'
import { type RunningSystem, type ServiceUnderTest, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { blobFileIn } from './blob-file-in.ts'

const opened = new AsyncDisposableStack()
let system: RunningSystem
/** One with a new primary and a replica, for which the store of the first is an older one. */
let gateway: ServiceUnderTest
let before: Api
let api: Api
let primary: string
let replica: string

const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251))

beforeAll(async () => {
  system = opened.use(await startSystem())
  before = apiOf(system)
  const directory = opened.use(await mkdtempDisposable(join(tmpdir(), 'stores-'))).path
  primary = join(directory, 'primary')
  replica = join(directory, 'replica')
  gateway = await system.startGateway({
    BLOBS_URL: `fs://${primary}`,
    BLOBS_REPLICA_URLS: `fs://${replica}`,
    BLOBS_OLDER_URLS: `fs://${system.blobs}`,
  })
  api = apiOf(system, gateway.url)
})
afterAll(() => opened.disposeAsync())

async function stored(through: Api, body: Uint8Array | string): Promise<{ address: string; digest: string }> {
  const address = `/v1/packages/${await through.createPackage()}/files/x`
  const { status, json } = await through.call('PUT', address, { body })
  expect({ status, problem: json.detail }).toEqual({ status: 201 })
  return { address, digest: json.digest }
}

async function fixityEvents(digest: string): Promise<unknown[]> {
  const { json } = await api.call('GET', `/v1/events?subject=blob/${digest}&limit=100`)
  return json
    .filter(({ type }: { type: string }) => type.includes('fixity'))
    .map(({ type, data }: { type: string; data: unknown }) => ({ type, payload: data }))
}

it('a gateway tells of all its stores, what each is for and how it is called', async () => {
  const { json } = await api.call('GET', '/v1/backends')
  expect(json.backends).toEqual([
    { name: 'primary', role: 'primary', address: `fs://${primary}`, capabilities: [] },
    { name: 'replica-1', role: 'replica', address: `fs://${replica}`, capabilities: [] },
    { name: 'older-1', role: 'older', address: `fs://${system.blobs}`, capabilities: [] },
  ])
  expect((await api.call('POST', '/v1/backends/examine')).json.backends).toEqual(json.backends)
  expect((await api.call('GET', '/v1/status')).json.blobs).toEqual({ space: expect.any(Object) })
})

it('what was put before is served from where it is, whole and in part, and what is put now goes to the primary and the replica', async () => {
  const old = await stored(before, large)
  expect((await api.call('GET', old.address)).bytes.equals(large)).toBe(true)
  const part = await api.call('GET', old.address, { headers: { range: 'bytes=1000000-2000000' } })
  expect(part.bytes.equals(large.subarray(1_000_000, 2_000_001))).toBe(true)
  expect((await api.call('POST', '/v1/blobs/missing', { json: { digests: [old.digest] } })).json.missing).toEqual([])
  const added = await stored(api, 'new bytes')
  expect((await before.call('GET', added.address)).status).toBe(502)
  for (const directory of [primary, replica]) {
    await rename(blobFileIn(directory, added.digest), `${blobFileIn(directory, added.digest)}-away`)
    expect((await api.call('GET', added.address)).bytes.toString()).toBe('new bytes')
    await rename(`${blobFileIn(directory, added.digest)}-away`, blobFileIn(directory, added.digest))
  }
  // The first gateway, which knows one store, had told of damage there; it heals as ever.
  await api.call('PUT', `/v1/blobs/${added.digest}`, { body: 'new bytes' })
})

it('a damaged copy is told of with its place, served from another store, and replaced by what that has', async () => {
  const small = await stored(api, 'precious bytes')
  await rm(blobFileIn(primary, small.digest))
  await writeFile(blobFileIn(primary, small.digest), 'Precious bytes')
  expect((await api.call('GET', small.address)).bytes.toString()).toBe('precious bytes')
  const told = [
    {
      type: 'v1.fixity.failed',
      payload: {
        backend: `fs://${primary}`,
        finding: { kind: 'different', actualSize: 14, actualDigest: expect.stringMatching(/^blake3:/) },
      },
    },
    { type: 'v1.fixity.repaired', payload: { backend: `fs://${primary}`, source: `fs://${replica}` } },
  ]
  await expect.poll(() => fixityEvents(small.digest), { timeout: 10_000 }).toEqual(told)
  // Healed: it is read where it was damaged.
  await rm(blobFileIn(replica, small.digest))
  expect((await api.call('GET', small.address)).bytes.toString()).toBe('precious bytes')
  expect((await api.call('POST', '/v1/blobs/missing', { json: { digests: [small.digest] } })).json.missing).toEqual([])

  const bytes = Buffer.from(large).fill(1, 0, 10)
  const { address, digest } = await stored(api, bytes)
  await rm(blobFileIn(primary, digest))
  await writeFile(blobFileIn(primary, digest), Buffer.from(bytes).fill(8, 2_500_000, 2_500_001))
  expect((await api.call('GET', address)).bytes.equals(bytes)).toBe(true)
  await expect.poll(async () => (await fixityEvents(digest)).length, { timeout: 10_000 }).toBe(2)
})

it('an examination finds damage in each of them, and says where', async () => {
  const { digest } = await stored(api, 'examined bytes')
  await rm(blobFileIn(replica, digest))
  await writeFile(blobFileIn(replica, digest), 'Examined bytes')
  const findings = async () => {
    const { bytes } = await api.call('GET', '/v1/admin/examination?bytes=true')
    const lines = bytes.toString().trimEnd().split('\n')
    return lines.map(line => JSON.parse(line)).filter(line => line.kind === 'finding')
  }
  const says = expect.stringContaining(`its bytes in fs://${replica} are others: they have the digest blake3:`)
  expect(await findings()).toEqual([{ kind: 'finding', part: 'blobs', at: digest, says }])
  await rm(blobFileIn(primary, digest))
  await writeFile(blobFileIn(primary, digest), 'cut')
  expect(await findings()).toEqual([
    { kind: 'finding', part: 'blobs', at: digest, says: `it has 3 bytes in fs://${primary} instead of 14` },
  ])
  await api.call('PUT', `/v1/blobs/${digest}`, { body: 'examined bytes' })
  expect(await findings()).toEqual([])
})

it('readiness names the store that is away; without an older one, or with one copy, what is there is served', async () => {
  const { address } = await stored(api, 'bytes for bad times')
  const old = await stored(before, 'old bytes')
  const checks = async () => {
    const { status, json } = await api.call('GET', '/health/ready', { token: null })
    const states = Object.entries(json.checks as Record<string, { state: string; detail?: string }>)
    const store = states.filter(([name, { state }]) => name.startsWith('blobs') && state !== 'ok')
    return { status, store: store.map(([name, { state, detail }]) => `${name} ${state} ${detail}`) }
  }
  await expect.poll(checks, { timeout: 10_000 }).toEqual({ status: 200, store: [] })

  await rename(system.blobs, `${system.blobs}-away`)
  const older = [expect.stringMatching(/^blobs older-1 warning .*cannot be read: .*check that the directory/)]
  await expect.poll(checks, { timeout: 10_000 }).toEqual({ status: 200, store: older })
  expect((await api.call('GET', old.address)).status).toBe(503)
  expect((await api.call('GET', address)).status).toBe(200)
  expect((await api.call('PUT', `/v1/packages/${await api.createPackage()}/files/y`, { body: 'y' })).status).toBe(201)
  await rename(`${system.blobs}-away`, system.blobs)

  await rename(replica, `${replica}-away`)
  const down = [expect.stringMatching(/^blobs replica-1 failing/)]
  await expect.poll(checks, { timeout: 10_000 }).toEqual({ status: 503, store: down })
  expect((await api.call('GET', address)).bytes.toString()).toBe('bytes for bad times')
  expect((await api.call('PUT', `/v1/packages/${await api.createPackage()}/files/z`, { body: large })).status).toBe(503)
  await rename(`${replica}-away`, replica)

  await rename(join(primary, 'blobs'), join(primary, 'away'))
  expect((await api.call('GET', address)).bytes.toString()).toBe('bytes for bad times')
  await rename(join(primary, 'away'), join(primary, 'blobs'))
  await expect.poll(checks, { timeout: 10_000 }).toEqual({ status: 200, store: [] })
})

it('a file that was uploaded in pieces is in the primary and in the replica', async () => {
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-length': String(large.length),
    'content-type': 'application/offset+octet-stream',
  }
  const bytes = Buffer.from(large).fill(2, 0, 10)
  const created = await api.call('POST', '/v1/uploads', { headers, body: bytes })
  expect(created.status).toBe(201)
  const { digest } = await hashBytes(bytes)
  for (const directory of [primary, replica]) expect((await readFile(blobFileIn(directory, digest))).equals(bytes)).toBe(true)
})

it('an upload in pieces that was begun under another primary says that it has to begin anew', async () => {
  const tus = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' }
  const bytes = Buffer.from(large).fill(3, 0, 10)
  const headers = { ...tus, 'upload-length': String(large.length) }
  const created = await before.call('POST', '/v1/uploads', { headers, body: bytes.subarray(0, 1_500_000) })
  expect(created.status).toBe(201)
  const address = new URL(created.headers.get('location') ?? '', gateway.url).pathname
  const rest = { headers: { ...tus, 'upload-offset': '1500000' }, body: bytes.subarray(1_500_000) }
  const refused = await api.call('PATCH', address, rest)
  expect(refused.status).toBe(502)
  expect(refused.json).toMatchObject({ kind: 'blob-corrupt', detail: expect.stringContaining('begin the upload anew') })
  // Nothing is lost: where it was begun it goes on.
  expect((await before.call('PATCH', address, rest)).status).toBe(204)
})
