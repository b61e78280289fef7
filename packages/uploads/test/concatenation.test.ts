import { hashBytes } from '@artifact-store/blobs'
import type { UploadId } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import type { Uploads } from '../src/index.ts'
import { newUpload, piece, useTestUploads } from './test-uploads.ts'

const system = await useTestUploads()
const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 17) % 241))
const final = (parts: readonly UploadId[], expected: string[] = []) => ({ ...newUpload(0), expected: expected as never[], parts })

async function part(uploads: Uploads, of: Uint8Array, sent = of.length): Promise<UploadId> {
  const { id } = await uploads.begin({ ...newUpload(0), kind: { role: 'part', length: of.length } })
  await uploads.append(id, 'ci', piece(0, of.subarray(0, sent)))
  return id
}

describe('parts', () => {
  it('become one upload, in the order in which they are named, whoever took them in', async () => {
    const [here, there] = [system.gateway(), system.gateway()]
    const parts = [await part(here, bytes.subarray(0, 30_000)), await part(there, bytes.subarray(30_000))]
    const before = await system.blobs()
    expect(before).toEqual([])
    const { upload } = await here.concatenate(final(parts))
    expect(upload).toMatchObject({
      role: 'final',
      phase: 'completed',
      length: bytes.length,
      parts,
      digests: await hashBytes(bytes),
    })
    // They may be used once more, in another order.
    const { upload: other } = await there.concatenate(final(parts.toReversed()))
    expect(other.digests).toEqual(await hashBytes(Buffer.concat([bytes.subarray(30_000), bytes.subarray(0, 30_000)])))
  })

  it('are refused while one is not complete, is no part, or is of somebody else', async () => {
    const here = system.gateway()
    const whole = await part(here, bytes)
    const half = await part(here, bytes, 10)
    await expect(here.concatenate(final([whole, half]))).rejects.toMatchObject({
      kind: 'upload-incomplete',
      details: { uploadId: half },
    })
    const { id: plain } = await here.begin(newUpload(10))
    await expect(here.concatenate(final([whole, plain]))).rejects.toMatchObject({ kind: 'upload-incomplete' })
    await expect(here.concatenate({ ...final([whole]), actor: 'other' })).rejects.toMatchObject({ kind: 'upload-not-found' })
  })

  it('whose whole is not what was announced make no blob', async () => {
    const here = system.gateway()
    const one = await part(here, Buffer.from('one'))
    const { digest } = await hashBytes(Buffer.from('two'))
    const blobs = await system.blobs()
    await expect(here.concatenate(final([one], [digest]))).rejects.toMatchObject({ kind: 'digest-mismatch' })
    expect(await system.blobs()).toEqual(blobs)
  })

  it('go on being put together by another process where the first one died, and take no bytes', async () => {
    const here = system.gateway({
      register: async () => {
        throw new Error('killed')
      },
    })
    const parts = [await part(here, bytes.subarray(0, 10)), await part(here, bytes.subarray(10))]
    await expect(here.concatenate(final(parts))).rejects.toThrow('killed')
    const { rows } = await system.database.pool.query(`select upload_id from uploads.sessions where phase = 'received'`)
    const id: UploadId = rows[0].upload_id
    await expect(here.append(id, 'ci', piece(0, bytes))).rejects.toMatchObject({ kind: 'upload-final' })
    expect((await system.gateway().look(id, 'ci')).upload).toMatchObject({ phase: 'completed', digests: await hashBytes(bytes) })
  })

  it('have an end that comes nearer once they were used', async () => {
    const here = system.gateway({ expiryMs: 1e9 })
    const one = await part(here, bytes)
    await here.concatenate(final([one]))
    const { expires_at } = await system.row(one)
    expect((expires_at as Date).getTime() - Date.now()).toBeLessThan(2 * 60 * 60 * 1000)
  })
})
