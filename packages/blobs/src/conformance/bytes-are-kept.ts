import type { Digest } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import type { Subject } from '../conformance.ts'
import { readBlob } from '../read-blob.ts'
import { content, mebibyte, put, readAll, stream } from './content.ts'

export function bytesAreKept({ store, residue }: Subject): void {
  describe('bytes', () => {
    it.for([0, 1, 3, 64 * 1024, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte])(
      'are given back as they were put: %i of them',
      async size => {
        const blob = await content(size)
        await put(store(), blob)
        expect(await store().stat(blob.digest)).toEqual({ size })
        expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
        expect(await residue()).toEqual([])
      },
    )

    it.for([0, 1, 4096, 64 * 1024])('are given at once where they are few: %i of them', async size => {
      const blob = await content(size)
      const read = (digest: Digest) => store().getSmall?.(digest, size) ?? readBlob(store(), digest, {})
      await expect(read(blob.digest)).rejects.toMatchObject({ kind: 'blob-not-found', details: { digest: blob.digest } })
      await put(store(), blob)
      expect(Buffer.compare(await read(blob.digest), blob.bytes)).toBe(0)
    })

    it.for([1, 7, 1000, 3 * mebibyte])('may come in chunks of %i', async chunkSize => {
      const blob = await content(chunkSize < 10 ? 5000 : 3 * mebibyte + 11)
      await store().put(stream(blob.bytes, chunkSize), () => blob.digest)
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
    })

    it('may come in chunks that are empty', async () => {
      const blob = await content(10)
      const chunks = async function* () {
        yield new Uint8Array(0)
        yield blob.bytes.slice(0, 4)
        yield new Uint8Array(0)
        yield blob.bytes.slice(4)
      }
      await store().put(chunks(), () => blob.digest)
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
    })

    it('may be put twice, and are there once', async () => {
      const blob = await content(100_000)
      await put(store(), blob)
      await put(store(), blob)
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
      expect(await residue()).toEqual([])
    })

    it('may be put many at once, the same and others', async () => {
      const blobs = await Promise.all(Array.from({ length: 8 }, (_, seed) => content(200_000 + seed, seed)))
      await Promise.all([...blobs, ...blobs, ...blobs, ...blobs].map(blob => put(store(), blob)))
      for (const blob of blobs) expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
      expect(await residue()).toEqual([])
    })

    it('are pulled from their source one chunk at a time', async () => {
      const blob = await content(3 * mebibyte)
      let asked = 0
      let most = 0
      const source = stream(blob.bytes)[Symbol.asyncIterator]()
      const counted: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          async next() {
            asked += 1
            most = Math.max(most, asked)
            const item = await source.next()
            asked -= 1
            return item
          },
        }),
      }
      await store().put(counted, () => blob.digest)
      expect(most).toBe(1)
    })

    it('are gone after a delete, which says whether they were there', async () => {
      const blob = await content(1000)
      await put(store(), blob)
      expect(await store().delete(blob.digest)).toBe(true)
      expect(await store().delete(blob.digest)).toBe(false)
      expect(await store().stat(blob.digest)).toBeUndefined()
      await expect(store().get(blob.digest)).rejects.toMatchObject({ kind: 'blob-not-found' })
      await put(store(), blob)
      expect(await store().stat(blob.digest)).toEqual({ size: 1000 })
    })

    it('are not found under a digest that was never put', async () => {
      const { digest } = await content(1000, 77)
      expect(await store().stat(digest)).toBeUndefined()
      expect(await store().delete(digest)).toBe(false)
      await expect(store().get(digest)).rejects.toMatchObject({ kind: 'blob-not-found', details: { digest } })
    })

    it('can be written, says the probe, and it leaves nothing behind', async () => {
      await store().probe()
      expect(await residue()).toEqual([])
    })
  })
}
