import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api

beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

const fileOf = (digest: string) => {
  const hex = digest.slice('blake3:'.length)
  return join(system.blobs, 'blobs', 'blake3', hex.slice(0, 2), hex.slice(2, 4), hex)
}

async function fixityEvents(digest: string): Promise<{ type: string; payload: unknown }[]> {
  const { json } = await api.call('GET', `/v1/events?subject=blob/${digest}&limit=100`)
  return json
    .map(({ type, data }: { type: string; data: unknown }) => ({ type, payload: data }))
    .filter(({ type }: { type: string }) => type.includes('fixity'))
}

/** A package with one file, and its digest. */
async function stored(body: Uint8Array | string) {
  const id = await api.createPackage()
  const address = `/v1/packages/${id}/files/x`
  const { json } = await api.call('PUT', address, { body })
  return { address, digest: json.digest as string }
}

const backend = () => `fs://${system.blobs}`

describe('a blob that rots', () => {
  it('is refused, told of in the log once however often it is asked for, asked for as missing, and healed by its bytes', async () => {
    const { address, digest } = await stored('precious bytes')
    await writeFile(fileOf(digest), 'Precious bytes')
    for (let times = 0; times < 3; times += 1) expect((await api.call('GET', address)).status).toBe(502)
    const failed = {
      type: 'v1.fixity.failed',
      payload: {
        backend: backend(),
        finding: { kind: 'different', actualSize: 14, actualDigest: expect.stringMatching(/^blake3:/) },
      },
    }
    await expect.poll(() => fixityEvents(digest), { timeout: 10_000 }).toEqual([failed])
    const metrics = await (await fetch(`${system.gateway.url}/metrics`)).text()
    expect(metrics).toMatch(/^artifact_store_blob_damage_total\{finding="different"\} 1$/m)
    expect((await api.call('GET', address)).status).toBe(502)

    expect((await api.call('POST', '/v1/blobs/missing', { json: { digests: [digest] } })).json.missing).toEqual([digest])
    const other = await api.createPackage()
    const added = await api.call('POST', `/v1/packages/${other}/files`, { json: { files: [{ path: 'y', digest }] } })
    expect(added.json.results[0].problem.kind).toBe('blob-not-found')

    expect((await api.call('PUT', `/v1/blobs/${digest}`, { body: 'precious bytes' })).status).toBe(200)
    const repaired = { type: 'v1.fixity.repaired', payload: { backend: backend(), source: 'upload' } }
    expect(await fixityEvents(digest)).toEqual([failed, repaired])
    expect((await api.call('POST', '/v1/blobs/missing', { json: { digests: [digest] } })).json.missing).toEqual([])
    expect((await api.call('GET', address)).bytes.toString()).toBe('precious bytes')

    await writeFile(fileOf(digest), 'precious Bytes')
    expect((await api.call('GET', address)).status).toBe(502)
    await expect
      .poll(async () => (await fixityEvents(digest)).map(({ type }) => type), { timeout: 10_000 })
      .toEqual(['v1.fixity.failed', 'v1.fixity.repaired', 'v1.fixity.failed'])
  })

  it('is as corrupt when it is gone, and healed by the same file at the same path', async () => {
    const { address, digest } = await stored('gone with the disk')
    await rm(fileOf(digest))
    const answer = await api.call('GET', address)
    expect(answer.json).toMatchObject({ status: 502, kind: 'blob-corrupt', digest })
    const missing = { type: 'v1.fixity.failed', payload: { backend: backend(), finding: { kind: 'missing' } } }
    await expect.poll(() => fixityEvents(digest), { timeout: 10_000 }).toEqual([missing])
    expect((await api.call('PUT', address, { body: 'gone with the disk' })).status).toBe(200)
    expect((await fixityEvents(digest)).map(({ type }) => type)).toEqual(['v1.fixity.failed', 'v1.fixity.repaired'])
    expect((await api.call('GET', address)).status).toBe(200)
  })

  it('in its middle is sent up to there and broken off, also in the middle of several ranges', async () => {
    const bytes = Buffer.alloc(4_000_000, 'large file ')
    const { address, digest } = await stored(bytes)
    await writeFile(fileOf(digest), Buffer.from(bytes).fill(8, 2_500_000, 2_500_001))
    await expect(api.call('GET', address)).rejects.toThrow()
    await expect(api.call('GET', address, { headers: { range: 'bytes=0-9,2600000-2600009' } })).rejects.toThrow()
    const sound = await api.call('GET', address, { headers: { range: 'bytes=0-9,3500000-' } })
    expect(sound.status).toBe(206)
    expect((await api.call('GET', address, { headers: { range: 'bytes=2600000-2600009' } })).status).toBe(502)
    await expect.poll(async () => (await fixityEvents(digest)).length, { timeout: 10_000 }).toBe(1)
  })
})
