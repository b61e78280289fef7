import { describe, expect, it } from 'vitest'
import type { Subject } from '../conformance.ts'
import type { StagedBytes } from '../staging.ts'
import { type Content, content, listed, mebibyte, readAll, stream } from './content.ts'

const nothing: StagedBytes = { size: 0 }
/** Where a backend that stores in parts has its seams, and where it has none. */
const seams = [1, 64 * 1024, mebibyte, 5 * mebibyte, 5 * mebibyte + 1, 8 * mebibyte]

export function uploadsArriveInPieces({ store }: Subject): void {
  const staging = () => store().staging

  /** What a database makes of the notes between two calls. */
  const kept = (bytes: StagedBytes): StagedBytes => JSON.parse(JSON.stringify(bytes))

  async function append(id: string, from: StagedBytes, bytes: Uint8Array, alone = true): Promise<StagedBytes> {
    await using writer = await staging().resume(id, kept(from), { alone })
    for await (const chunk of stream(bytes)) await writer.write(chunk)
    return await writer.flush()
  }

  async function expectBlob({ bytes, digest }: Content): Promise<void> {
    expect(await store().stat(digest)).toEqual({ size: bytes.length })
    expect(Buffer.compare(await readAll(await store().get(digest)), bytes)).toBe(0)
  }

  async function staged(): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for await (const { id } of staging().list()) ids.add(id)
    return ids
  }

  describe('an upload in pieces', () => {
    it.for(seams)('becomes a blob when it went on after %i bytes', async seam => {
      const blob = await content(9 * mebibyte)
      const first = await append('up-1', nothing, blob.bytes.subarray(0, seam))
      expect(first.size).toBe(seam)
      const all = await append('up-1', first, blob.bytes.subarray(seam))
      expect(all.size).toBe(blob.bytes.length)
      expect(await listed(store())).toEqual([])
      await staging().publish('up-1', kept(all), blob.digest)
      await expectBlob(blob)
      await staging().discard('up-1')
      await expectBlob(blob)
      expect(await staged()).toEqual(new Set())
    })

    it('may be of many small pieces', async () => {
      const blob = await content(100_000)
      let bytes = nothing
      for (let at = 0; at < blob.bytes.length; at += 9999) {
        bytes = await append('small', bytes, blob.bytes.subarray(at, at + 9999))
      }
      await staging().publish('small', kept(bytes), blob.digest)
      await expectBlob(blob)
    })

    it('is flushed in the middle of a piece as often as one likes', async () => {
      const blob = await content(3 * mebibyte)
      const sizes: number[] = []
      let last = nothing
      {
        await using writer = await staging().resume('flushed', nothing, { alone: true })
        for (let at = 0; at < blob.bytes.length; at += 700_001) {
          await writer.write(blob.bytes.subarray(at, at + 700_001))
          last = await writer.flush()
          sizes.push(last.size)
        }
      }
      expect(sizes).toEqual([700_001, 1_400_002, 2_100_003, 2_800_004, blob.bytes.length])
      await staging().publish('flushed', kept(last), blob.digest)
      await expectBlob(blob)
    })

    it('is read in its order, before it is complete', async () => {
      const blob = await content(6 * mebibyte)
      const first = await append('read', nothing, blob.bytes.subarray(0, 2 * mebibyte))
      const all = await append('read', first, blob.bytes.subarray(2 * mebibyte))
      expect(Buffer.compare(await readAll(staging().read('read', kept(first))), blob.bytes.subarray(0, 2 * mebibyte))).toBe(0)
      expect(Buffer.compare(await readAll(staging().read('read', kept(all))), blob.bytes)).toBe(0)
    })

    it('may be empty', async () => {
      const blob = await content(0)
      expect(await readAll(staging().read('empty', nothing))).toHaveLength(0)
      await staging().publish('empty', nothing, blob.digest)
      await expectBlob(blob)
    })

    it('drops what was written behind the bytes that it goes on from', async () => {
      const blob = await content(3 * mebibyte)
      const first = await append('again', nothing, blob.bytes.subarray(0, mebibyte))
      // Durable, and never recorded: its writer died between the two.
      await append('again', first, new Uint8Array(4 * mebibyte).fill(7))
      const all = await append('again', first, blob.bytes.subarray(mebibyte))
      await staging().publish('again', kept(all), blob.digest)
      await expectBlob(blob)
    })

    it.for([0, 1000, 2 * mebibyte, 6 * mebibyte])(
      'is not touched by a writer that comes back late, after %i bytes were recorded',
      async recorded => {
        const blob = await content(9 * mebibyte)
        const first = recorded === 0 ? nothing : await append('late', nothing, blob.bytes.subarray(0, recorded))
        await using late = await staging().resume('late', kept(first), { alone: recorded !== 0 })
        await late.write(new Uint8Array(mebibyte).fill(1))

        const half = await append('late', first, blob.bytes.subarray(recorded, 7 * mebibyte), false)
        await late.write(new Uint8Array(6 * mebibyte).fill(2))
        await late.flush()
        const all = await append('late', half, blob.bytes.subarray(7 * mebibyte))
        await late.write(new Uint8Array(mebibyte).fill(3))
        await staging().publish('late', kept(all), blob.digest)
        await expectBlob(blob)
        await staging().discard('late')
        await late.flush().catch(() => undefined)
        await expectBlob(blob)
      },
    )

    it.for([true, false])(
      'is published once more by one who does not know that it was; with a writer that was alone: %s',
      async alone => {
        const blob = await content(6 * mebibyte)
        const first = await append('twice', nothing, blob.bytes.subarray(0, 1000))
        const all = await append('twice', first, blob.bytes.subarray(1000), alone)
        for (let times = 0; times < 3; times += 1) await staging().publish('twice', kept(all), blob.digest)
        await expectBlob(blob)
      },
    )

    it('is gone when it was discarded, and only it', async () => {
      const stays = await append('stays', nothing, (await content(1000)).bytes)
      const gone = await append('goes', nothing, (await content(6 * mebibyte, 2)).bytes)
      const flushed = await append('goes', gone, (await content(1000, 3)).bytes)
      expect(await staged()).toEqual(new Set(['goes', 'stays']))
      await staging().discard('goes')
      await staging().discard('goes')
      await staging().discard('never-was')
      expect(await staged()).toEqual(new Set(['stays']))
      await expect(readAll(staging().read('goes', kept(flushed)))).rejects.toMatchObject({ kind: 'blob-corrupt' })
      const { digest } = await content(7, 7)
      await expect(staging().publish('goes', kept(flushed), digest)).rejects.toMatchObject({ kind: 'blob-corrupt' })
      expect(await readAll(staging().read('stays', kept(stays)))).toHaveLength(1000)
      expect(await listed(store())).toEqual([])
    })

    it('says since when it is there', async () => {
      await append('dated', nothing, (await content(1000)).bytes)
      for await (const { since } of staging().list()) expect(Math.abs(Date.now() - since.getTime())).toBeLessThan(3_600_000)
    })

    it('does not begin after its signal was aborted', async () => {
      const signal = AbortSignal.abort(new Error('too late'))
      await expect(staging().resume('aborted', nothing, { alone: true, signal })).rejects.toThrow('too late')
      await expect(staging().publish('aborted', nothing, (await content(0)).digest, { signal })).rejects.toThrow('too late')
      expect(await staged()).toEqual(new Set())
    })

    it('has no name that is a path', async () => {
      await expect(staging().resume('../up', nothing, { alone: true })).rejects.toMatchObject({ kind: 'internal' })
    })
  })
}
