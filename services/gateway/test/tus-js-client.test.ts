import { hashBytes } from '@artifact-store/blobs'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { Upload, type UploadOptions } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

let system: RunningSystem
let api: Api
beforeAll(async () => {
  system = await startSystem()
  api = apiOf(system)
})
afterAll(() => system[Symbol.asyncDispose]())

const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251))
const digests = await hashBytes(bytes)

/** What a program of others does with these bytes. */
function upload(options: Partial<UploadOptions>): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const started = new Upload(bytes, {
      endpoint: `${system.gateway.url}/v1/uploads`,
      headers: { authorization: `Bearer ${system.token}` },
      retryDelays: [100, 300, 1000, 2000],
      ...options,
      onSuccess: () => resolve(started),
      onError: reject,
    })
    started.start()
  })
}

describe('tus-js-client, which others wrote,', () => {
  it('puts a file into a package, in pieces', async () => {
    const id = await api.createPackage()
    await upload({
      chunkSize: 700_000,
      metadata: { package: id, path: 'from/tus-js-client.bin', filetype: 'application/x-test' },
    })
    const file = await api.call('GET', `/v1/packages/${id}/files/from/tus-js-client.bin`)
    expect(file.headers.get('content-type')).toBe('application/x-test')
    expect(file.bytes.equals(bytes)).toBe(true)
  })

  it.each<[string, Partial<UploadOptions>]>([
    ['in one piece', {}],
    ['with its creation', { uploadDataDuringCreation: true }],
    ['in parts at the same time', { parallelUploads: 3 }],
    ['with POST for everything', { overridePatchMethod: true, chunkSize: 1_000_000 }],
    ['with a length that it says last', { uploadLengthDeferred: true, chunkSize: 1_000_000 }],
  ])('stores bytes %s', async (_, options) => {
    const { url } = await upload(options)
    const { json } = await api.call('GET', new URL(url ?? '').pathname)
    expect(json).toMatchObject({ state: 'completed', digest: digests.digest, sha256: digests.sha256 })
  })

  it('goes on with an upload that another process began', async () => {
    const created = await api.call('POST', '/v1/uploads', {
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(bytes.length),
        'content-type': 'application/offset+octet-stream',
      },
      body: bytes.subarray(0, 1_234_567),
    })
    let first: number | undefined
    const uploadUrl = new URL(created.headers.get('location') ?? '', system.gateway.url).href
    await upload({
      uploadUrl,
      onProgress: sent => {
        first ??= sent
      },
    })
    expect(first).toBeGreaterThanOrEqual(1_234_567)
    expect((await api.call('GET', `/v1/blobs/${digests.digest}`)).bytes.equals(bytes)).toBe(true)
  })

  it('ends one', async () => {
    const { url } = await upload({ chunkSize: 1_000_000 })
    await Upload.terminate(url ?? '', { headers: { authorization: `Bearer ${system.token}` } })
    expect((await api.call('GET', new URL(url ?? '').pathname)).status).toBe(404)
  })
})
