import { describe, expect, it } from 'vitest'
import type { Subject } from '../conformance.ts'
import { aMoment, content, mebibyte, put, readAll } from './content.ts'

const size = 3 * mebibyte + 5

export function readersAreFree({ store }: Subject): void {
  describe('a reader', () => {
    it.for([
      { title: 'the first byte', start: 0, end: 1 },
      { title: 'the first chunk', start: 0, end: mebibyte },
      { title: 'some in the middle', start: 1_000_000, end: 2_500_001 },
      { title: 'one in the middle', start: 1_500_000, end: 1_500_001 },
      { title: 'the last byte', start: size - 1, end: size },
      { title: 'all', start: 0, end: size },
      { title: 'none in the middle', start: 7, end: 7 },
      { title: 'some beyond the end', start: size - 10, end: size + 10 },
      { title: 'none, beginning at the end', start: size, end: size + 10 },
      { title: 'none, beginning beyond the end', start: size + 5, end: size + 10 },
    ])('gets of a range the bytes that exist: $title', async ({ start, end }) => {
      const blob = await content(size)
      await put(store(), blob)
      const got = await readAll(await store().get(blob.digest, { range: { start, end } }))
      expect(got.length).toBe(Math.max(0, Math.min(end, size) - Math.min(start, size)))
      expect(Buffer.compare(got, blob.bytes.subarray(start, end))).toBe(0)
    })

    it('gets nothing of a range of an empty blob', async () => {
      const blob = await content(0)
      await put(store(), blob)
      expect(await readAll(await store().get(blob.digest, { range: { start: 0, end: 10 } }))).toHaveLength(0)
    })

    it.for([
      { start: -1, end: 2 },
      { start: 2, end: 1 },
      { start: 0.5, end: 2 },
      { start: 0, end: Number.NaN },
    ])('is refused a range that is none: $start to $end', async range => {
      const blob = await content(10)
      await put(store(), blob)
      await expect(store().get(blob.digest, { range })).rejects.toMatchObject({ kind: 'range-not-satisfiable' })
    })

    it('may stop early, or not begin at all, and may read again', async () => {
      const blob = await content(size)
      await put(store(), blob)
      for (let times = 0; times < 50; times += 1) {
        await store().get(blob.digest)
        for await (const _chunk of await store().get(blob.digest)) break
      }
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
    })

    it('that stalls is not read ahead for without bound', async () => {
      const blob = await content(24 * mebibyte)
      await put(store(), blob)
      const reader = (await store().get(blob.digest))[Symbol.asyncIterator]()
      const before = process.memoryUsage().arrayBuffers
      await reader.next()
      await aMoment()
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * mebibyte)
      await reader.return?.()
    })

    it('may spoil the bytes that it got, and only its own', async () => {
      const blob = await content(100_000)
      await put(store(), blob)
      for await (const chunk of await store().get(blob.digest)) chunk.fill(0)
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
    })

    it('in the middle of a blob finishes it although it is put again', async () => {
      const blob = await content(size)
      await put(store(), blob)
      const reader = (await store().get(blob.digest))[Symbol.asyncIterator]()
      const first = await reader.next()
      await put(store(), blob)
      const rest = await readAll({ [Symbol.asyncIterator]: () => reader })
      expect(Buffer.compare(Buffer.concat([first.done === true ? Buffer.alloc(0) : first.value, rest]), blob.bytes)).toBe(0)
    })

    it('is stopped by its signal, before and half way', async () => {
      const blob = await content(size)
      await put(store(), blob)
      await expect(store().get(blob.digest, { signal: AbortSignal.abort(new Error('gone before')) })).rejects.toThrow(
        'gone before',
      )

      const controller = new AbortController()
      const reading = async () => {
        for await (const _chunk of await store().get(blob.digest, { signal: controller.signal }))
          controller.abort(new Error('gone half way'))
      }
      await expect(reading()).rejects.toThrow('gone half way')
    })
  })
}
