import { describe, expect, it } from 'vitest'
import type { Subject } from '../conformance.ts'
import { type Content, content, listed, put } from './content.ts'

export function blobsAreListed({ store }: Subject): void {
  /** Puts that many blobs and gives them back in the order of their digests. */
  const fill = async (count: number): Promise<readonly Content[]> => {
    const blobs = await Promise.all(Array.from({ length: count }, (_, index) => content(index, index)))
    for (let index = 0; index < count; index += 20)
      await Promise.all(blobs.slice(index, index + 20).map(blob => put(store(), blob)))
    return blobs.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  }

  describe('a list', () => {
    it('of an empty store has nothing', async () => {
      expect(await listed(store())).toEqual([])
    })

    it('of 300 blobs has each once, with its size, in the order of the digests, and goes on after any', async () => {
      const blobs = await fill(300)
      const entries = []
      for await (const entry of store().list()) entries.push(entry)
      expect(entries).toEqual(blobs.map(({ digest, bytes }) => ({ digest, size: bytes.length })))

      const digests = blobs.map(({ digest }) => digest)
      for (const index of [0, 1, 42, 150, 298, 299])
        expect(await listed(store(), digests[index])).toEqual(digests.slice(index + 1))
    })

    it('goes on after a digest that is gone', async () => {
      const [first, second, ...rest] = (await fill(12)).map(({ digest }) => digest)
      if (second === undefined) throw new Error('there are blobs')
      await store().delete(second)
      expect(await listed(store(), second)).toEqual(rest)
      expect(await listed(store())).toEqual([first, ...rest])
    })

    it('may be left early', async () => {
      const [first] = await fill(12)
      for await (const { digest } of store().list()) {
        expect(digest).toBe(first?.digest)
        break
      }
    })

    it('is stopped by its signal', async () => {
      await fill(12)
      const controller = new AbortController()
      const walk = async () => {
        for await (const _entry of store().list({ signal: controller.signal })) controller.abort(new Error('enough'))
      }
      await expect(walk()).rejects.toThrow('enough')
    })
  })
}
