import { createHash } from 'node:crypto'
import { hashBytes } from '@artifact-store/blobs'
import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { createChunkChecksum } from '../src/index.ts'
import { newUpload, offsetOf, piece, stalling, useTestUploads } from './test-uploads.ts'

const system = await useTestUploads()
const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251))
const digests = await hashBytes(bytes)

describe('an upload', () => {
  it('goes on at any process, and becomes a blob with both digests', async () => {
    const [here, there] = [system.gateway(), system.gateway()]
    const { id } = await here.begin(newUpload(bytes.length))
    expect(offsetOf((await here.append(id, 'ci', piece(0, bytes.subarray(0, 100_000)))).upload)).toBe(100_000)
    expect(offsetOf((await there.look(id, 'ci')).upload)).toBe(100_000)
    await there.append(id, 'ci', piece(100_000, bytes.subarray(100_000, 200_000)))
    const { upload, position } = await here.append(id, 'ci', piece(200_000, bytes.subarray(200_000)))
    expect(upload).toMatchObject({ phase: 'completed', digests })
    expect(position).toBe(system.registered.length)
    expect(system.registered.at(-1)).toEqual(digests)
    expect(await system.blobs()).toContain(digests.digest)
    // The client that missed the answer asks again.
    expect((await there.look(id, 'ci')).upload).toMatchObject({ phase: 'completed', digests })
    expect((await there.append(id, 'ci', piece(bytes.length, new Uint8Array()))).upload.phase).toBe('completed')
  })

  it('keeps what arrived of a piece that broke off', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(bytes.length))
    async function* broken() {
      yield bytes.subarray(0, 70_000)
      throw new ArtifactError('body-incomplete', 'the line went dead')
    }
    await expect(here.append(id, 'ci', piece(0, broken()))).rejects.toMatchObject({ kind: 'body-incomplete' })
    expect(offsetOf((await here.look(id, 'ci')).upload)).toBe(70_000)
    expect((await here.append(id, 'ci', piece(70_000, bytes.subarray(70_000)))).upload.digests).toEqual(digests)
  })

  it('is refused a piece that begins elsewhere, and says where it is', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(bytes.length))
    await here.append(id, 'ci', piece(0, bytes.subarray(0, 1000)))
    for (const offset of [0, 999, 1001]) {
      await expect(here.append(id, 'ci', piece(offset, bytes.subarray(0, 10)))).rejects.toMatchObject({
        kind: 'offset-mismatch',
        details: { offset: 1000 },
      })
    }
  })

  it('takes no more than its length, also when nothing was declared', async () => {
    const here = system.gateway({ maxBytes: 5000 })
    await expect(here.begin(newUpload(5001))).rejects.toMatchObject({ kind: 'body-too-large', details: { maxBytes: 5000 } })
    const { id } = await here.begin(newUpload(1000))
    await expect(here.append(id, 'ci', piece(0, bytes.subarray(0, 1001)))).rejects.toMatchObject({ kind: 'body-too-large' })
    await expect(here.append(id, 'ci', piece(0, bytes, { size: undefined }))).rejects.toMatchObject({ kind: 'body-too-large' })
    const deferred = await here.begin(newUpload(undefined))
    await expect(here.append(deferred.id, 'ci', piece(0, bytes.subarray(0, 5001)))).rejects.toMatchObject({
      kind: 'body-too-large',
    })
  })

  it('may be told its length later, once', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(undefined))
    await here.append(id, 'ci', piece(0, bytes.subarray(0, 1000)))
    await expect(here.append(id, 'ci', piece(1000, bytes.subarray(1000), { uploadLength: 999 }))).rejects.toMatchObject({
      kind: 'invalid-request',
    })
    await here.append(id, 'ci', piece(1000, bytes.subarray(1000, 2000), { uploadLength: bytes.length }))
    await expect(here.append(id, 'ci', piece(2000, bytes.subarray(2000), { uploadLength: 5000 }))).rejects.toMatchObject({
      kind: 'invalid-request',
    })
    expect((await here.append(id, 'ci', piece(2000, bytes.subarray(2000)))).upload.digests).toEqual(digests)
  })

  it('may be of nothing', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(0))
    expect((await here.append(id, 'ci', piece(0, new Uint8Array()))).upload.digests).toEqual(await hashBytes(new Uint8Array()))
  })

  it.for(['sha1', 'sha256', 'sha512', 'blake3'] as const)(
    'takes a piece with a right %s whole, and one with a wrong one not at all',
    async algorithm => {
      const here = system.gateway()
      const digestOf = async (of: Uint8Array) =>
        algorithm === 'blake3'
          ? Buffer.from((await hashBytes(of)).digest.slice(7), 'hex')
          : createHash(algorithm).update(of).digest()
      const { id } = await here.begin(newUpload(bytes.length))
      const right = async (of: Uint8Array) => ({ checksum: await createChunkChecksum(algorithm, await digestOf(of)) })
      await here.append(id, 'ci', piece(0, bytes.subarray(0, 1000), await right(bytes.subarray(0, 1000))))
      const wrong = here.append(id, 'ci', piece(1000, bytes.subarray(1000), await right(bytes.subarray(1001))))
      await expect(wrong).rejects.toMatchObject({ kind: 'checksum-mismatch' })
      expect(offsetOf((await here.look(id, 'ci')).upload)).toBe(1000)
      expect(
        (await here.append(id, 'ci', piece(1000, bytes.subarray(1000), await right(bytes.subarray(1000))))).upload.digests,
      ).toEqual(digests)
    },
  )

  it('belongs to its actor: for everybody else it is not there', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(10))
    const refused = { kind: 'upload-not-found' }
    await expect(here.look(id, 'other')).rejects.toMatchObject(refused)
    await expect(here.append(id, 'other', piece(0, bytes.subarray(0, 10)))).rejects.toMatchObject(refused)
    await expect(here.end(id, 'other')).rejects.toMatchObject(refused)
    expect(await here.list({ actor: 'other', digest: undefined, after: undefined, limit: 10 })).toEqual([])
  })

  it('is found by the digest that it was announced with, until it is complete', async () => {
    const here = system.gateway()
    const filter = { actor: 'finder', digest: digests.sha256, after: undefined, limit: 10 }
    const { id } = await here.begin(newUpload(bytes.length, { actor: 'finder', expected: [digests.digest, digests.sha256] }))
    await here.begin(newUpload(bytes.length, { actor: 'finder' }))
    expect((await here.list(filter)).map(upload => upload.id)).toEqual([id])
    expect(await here.list({ ...filter, after: id })).toEqual([])
    await here.append(id, 'finder', piece(0, bytes))
    expect(await here.list(filter)).toEqual([])
  })

  it('is gone when it is ended, with its bytes', async () => {
    const here = system.gateway()
    const { id } = await here.begin(newUpload(bytes.length))
    await here.append(id, 'ci', piece(0, bytes.subarray(0, 1000)))
    await here.end(id, 'ci')
    await expect(here.look(id, 'ci')).rejects.toMatchObject({ kind: 'upload-not-found' })
    for await (const staged of system.store.staging.list()) expect(staged.id).not.toBe(id)
  })
})

describe('the completion of an upload', () => {
  it('fails for good where the bytes are not what was announced, and says so again', async () => {
    const here = system.gateway()
    const other = (await hashBytes(Buffer.from('other'))).digest
    const { id } = await here.begin(newUpload(5, { expected: [other] }))
    const blobs = await system.blobs()
    await expect(here.append(id, 'ci', piece(0, Buffer.from('these')))).rejects.toMatchObject({ kind: 'digest-mismatch' })
    expect(await system.blobs()).toEqual(blobs)
    expect((await here.look(id, 'ci')).upload).toMatchObject({ phase: 'failed', problem: { kind: 'digest-mismatch' } })
    await expect(here.append(id, 'ci', piece(5, new Uint8Array()))).rejects.toMatchObject({ kind: 'digest-mismatch' })
  })

  it('is tried again by whoever asks, where what stood in its way passes', async () => {
    let refusals = 2
    const here = system.gateway({
      register: async () => {
        if (refusals-- > 0) throw new ArtifactError('log-unavailable', 'the log is away')
        return 7
      },
    })
    const { id } = await here.begin(newUpload(bytes.length))
    await expect(here.append(id, 'ci', piece(0, bytes))).rejects.toMatchObject({ kind: 'log-unavailable' })
    expect(await system.row(id)).toMatchObject({ phase: 'received', digest: digests.digest })
    await expect(here.look(id, 'ci')).rejects.toMatchObject({ kind: 'log-unavailable' })
    expect(await here.look(id, 'ci')).toMatchObject({ position: 7, upload: { phase: 'completed' } })
  })
})

describe('two that write to one upload', () => {
  it('do not mix: the second waits, and is refused while the first gets on', async () => {
    const [here, there] = [system.gateway(), system.gateway()]
    const { id } = await here.begin(newUpload(bytes.length))
    let over = false
    async function* busy() {
      for (let at = 0; at < bytes.length; at += 10_000) {
        yield bytes.subarray(at, at + 10_000)
        // Until the other one has given up.
        while (!over && at > 100_000) {
          await new Promise(resolve => setTimeout(resolve, 200))
          await system.database.pool.query('update uploads.sessions set writer_seen = clock_timestamp() where upload_id = $1', [
            id,
          ])
        }
      }
    }
    const first = here.append(id, 'ci', piece(0, busy()))
    await expect.poll(async () => (await system.row(id))['writer']).not.toBeNull()
    const second = there.append(id, 'ci', piece(0, bytes)).finally(() => {
      over = true
    })
    await expect(second).rejects.toMatchObject({ kind: 'upload-locked' })
    expect((await first).upload.digests).toEqual(digests)
  })

  it('take turns when the first is silent, and what it sends late changes nothing', async () => {
    const [here, there] = [system.gateway(), system.gateway()]
    const { id } = await here.begin(newUpload(bytes.length))
    const silent = stalling(new Uint8Array(50_000).fill(9))
    const first = here.append(id, 'ci', piece(0, silent.body))
    await silent.started
    // It has been silent for long enough, says the clock that counts.
    await system.database.pool.query(
      `update uploads.sessions set writer_seen = clock_timestamp() - interval '1 hour' where upload_id = $1`,
      [id],
    )
    await there.append(id, 'ci', piece(0, bytes.subarray(0, 80_000)))
    silent.wake(new Uint8Array(100_000).fill(9))
    await expect(first).rejects.toMatchObject({ kind: 'upload-locked' })
    expect(offsetOf((await there.look(id, 'ci')).upload)).toBe(80_000)
    expect((await there.append(id, 'ci', piece(80_000, bytes.subarray(80_000)))).upload.digests).toEqual(digests)
  })
})
