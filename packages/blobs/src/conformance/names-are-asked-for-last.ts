import { describe, expect, it } from 'vitest'
import type { Subject } from '../conformance.ts'
import { content, listed, mebibyte, put, readAll, stream } from './content.ts'

export function namesAreAskedForLast({ store, residue }: Subject): void {
  describe('the name of a blob', () => {
    it('is asked for once, when the last byte has gone by', async () => {
      const blob = await content(2 * mebibyte + 1)
      const happened: string[] = []
      const source = async function* () {
        yield* stream(blob.bytes)
        happened.push('last byte')
      }
      await store().put(source(), () => {
        happened.push('name')
        return blob.digest
      })
      expect(happened).toEqual(['last byte', 'name'])
    })

    it.for([0, 1000, 2 * mebibyte])('may be refused after %i bytes; then nothing is kept', async size => {
      const { bytes } = await content(size)
      const refusal = new Error('these are not the bytes')
      const refuse = () => {
        throw refusal
      }
      await expect(store().put(stream(bytes), refuse)).rejects.toBe(refusal)
      expect(await listed(store())).toEqual([])
      expect(await residue()).toEqual([])
    })

    it('heals what was there under it', async () => {
      const blob = await content(100_000)
      await store().put(stream(blob.bytes.subarray(0, 50_000)), () => blob.digest)
      await put(store(), blob)
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
    })
  })
}
