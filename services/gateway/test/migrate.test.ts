import { mkdtempDisposable, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningSystem, type ServiceUnderTest, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { blobFileIn } from './blob-file-in.ts'

const opened = new AsyncDisposableStack()
let system: RunningSystem
let gateway: ServiceUnderTest
let before: Api
let api: Api
let primary: string

beforeAll(async () => {
  system = opened.use(await startSystem())
  before = apiOf(system)
  primary = join(opened.use(await mkdtempDisposable(join(tmpdir(), 'migrate-'))).path, 'primary')
  gateway = await system.startGateway({ BLOBS_URL: `fs://${primary}`, BLOBS_OLDER_URLS: `fs://${system.blobs}` })
  api = apiOf(system, gateway.url)
})
afterAll(() => opened.disposeAsync())

/** Files that are in the older store only: where they are served, and their digests. */
let files: { address: string; digest: string; body: Buffer }[]
let round = 0
beforeEach(async () => {
  round += 1
  files = []
  for (const [i, size] of [3, 5000, 70_000, 3_000_000].entries()) {
    const body = Buffer.alloc(size, `round ${round}, file ${i}, `)
    const address = `/v1/packages/${await before.createPackage()}/files/x`
    files.push({ address, body, digest: (await before.call('PUT', address, { body })).json.digest })
  }
})

const old = (i: number) => blobFileIn(system.blobs, files[i]?.digest ?? '')
const sizes = 3 + 5000 + 70_000 + 3_000_000

async function migrate(json: object) {
  const { status, json: problem, bytes } = await api.call('POST', '/v1/backends/migrate', { json })
  if (status !== 200) return { status, problem, lines: [], last: undefined }
  const lines = bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  return { status, problem: undefined, lines: lines.filter(({ kind }) => kind === 'damaged'), last: lines.at(-1) }
}

async function expectServed(): Promise<void> {
  for (const { address, body } of files) expect((await api.call('GET', address)).bytes.equals(body)).toBe(true)
}

it('copies what the target has not, by name or by address, and the next time nothing', async () => {
  const first = await migrate({ from: 'older-1', to: 'primary' })
  expect(first.lines).toEqual([])
  expect(first.last).toMatchObject({ done: true, from: 'older-1', to: 'primary', removed: 0, damaged: 0 })
  expect(first.last.copied).toBeGreaterThanOrEqual(4)
  expect(first.last.copiedBytes).toBeGreaterThanOrEqual(sizes)
  const again = await migrate({ from: `fs://${system.blobs}`, to: `fs://${primary}` })
  expect(again.last).toMatchObject({ done: true, blobs: first.last.blobs, copied: 0, removed: 0 })
  await expectServed()
})

it('moves: what was proven in the target is gone from the source, and served from the target', async () => {
  await migrate({ from: 'older-1', to: 'primary' })
  // Rotten since it was copied: the source has one more.
  const rotten = blobFileIn(primary, files[1]?.digest ?? '')
  await rm(rotten)
  await writeFile(rotten, Buffer.alloc(5000))
  const moved = await migrate({ from: 'older-1', to: 'primary', remove: true })
  expect(moved.last).toMatchObject({ done: true, copied: 1, damaged: 0 })
  expect(moved.last.removed).toBe(moved.last.blobs)
  expect((await migrate({ from: 'older-1', to: 'primary', remove: true })).last).toMatchObject({ blobs: 0 })
  await expectServed()
})

it('leaves what is damaged where it is, says so, and has the log tell of it', async () => {
  await rm(old(2))
  await writeFile(old(2), Buffer.alloc(70_000))
  const { lines, last } = await migrate({ from: 'older-1', to: 'primary', remove: true })
  const digest = files[2]?.digest
  expect(lines).toEqual([{ kind: 'damaged', digest, store: 'older-1' }])
  expect(last).toMatchObject({ done: true, damaged: 1 })
  expect(last.removed).toBe(last.blobs - 1)
  const told = async () => {
    const { json } = await api.call('GET', `/v1/events?subject=blob/${digest}&type=v1.fixity.failed`)
    return json.map(({ data }: { data: { backend: string } }) => data.backend)
  }
  await expect.poll(told, { timeout: 10_000 }).toEqual([`fs://${system.blobs}`])
  await api.call('PUT', `/v1/blobs/${digest}`, { body: Buffer.alloc(70_000, `round ${round}, file 2, `) })
  await expectServed()
  await rm(old(2))
})

it('is refused where it makes no sense, and where another gateway does so already', async () => {
  const details = async (json: object) => {
    const { status, problem } = await migrate(json)
    return `${status} ${problem.detail}`
  }
  expect(await details({ from: 'older-1', to: 's3://elsewhere' })).toBe(
    `400 "s3://elsewhere" is none of the stores that this gateway was started with: give one of primary (fs://${primary}), older-1 (fs://${system.blobs})`,
  )
  expect(await details({ from: 'primary', to: 'primary' })).toMatch(/^400 primary is the source and the target/)
  expect(await details({ from: 'primary', to: 'older-1', remove: true })).toMatch(/^400 nothing is removed from primary/)
  const other = await system.database.pool.connect()
  await other.query('select pg_advisory_lock(7021810154)')
  expect(await details({ from: 'older-1', to: 'primary' })).toMatch(/^409 blobs are being copied or moved between stores already/)
  other.release(true)
})

it('stops with its client, and gives the place free', async () => {
  const controller = new AbortController()
  const going = fetch(`${gateway.url}/v1/backends/migrate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'older-1', to: 'primary' }),
    signal: controller.signal,
  })
  controller.abort()
  await expect(going).rejects.toThrow()
  await expect.poll(async () => (await migrate({ from: 'older-1', to: 'primary' })).status, { timeout: 10_000 }).toBe(200)
})
