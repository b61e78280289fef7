import { describe, expect, it } from 'vitest'
import type { ByteStream } from '../blob-store.ts'
import type { Subject } from '../conformance.ts'
import { aMoment, type Content, content, listed, mebibyte, put, readAll, stream } from './content.ts'

export function failuresKeepNothing({ store, residue }: Subject): void {
  const expectNothingKept = async () => {
    expect(await listed(store())).toEqual([])
    expect(await residue()).toEqual([])
  }

  describe('a put that fails keeps nothing', () => {
    it.for([0, 1000, mebibyte, 3 * mebibyte])(
      'when its source breaks after %i bytes, whose error comes out as it is',
      async size => {
        const blob = await content(size)
        const broken = new Error('the line went dead')
        const source = async function* () {
          yield* stream(blob.bytes)
          throw broken
        }
        await expect(store().put(source(), () => blob.digest)).rejects.toBe(broken)
        await expectNothingKept()
      },
    )

    it('when it was aborted before it began', async () => {
      const blob = await content(1000)
      await expect(put(store(), blob, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
      await expectNothingKept()
    })

    it('when it is aborted half way', async () => {
      const blob = await content(3 * mebibyte)
      const controller = new AbortController()
      let closed = false
      const source = async function* () {
        try {
          let sent = 0
          for await (const chunk of stream(blob.bytes)) {
            sent += chunk.length
            yield chunk
            if (sent > 2 * mebibyte) controller.abort(new Error('changed my mind'))
          }
        } finally {
          closed = true
        }
      }
      await expect(store().put(source(), () => blob.digest, { signal: controller.signal })).rejects.toThrow('changed my mind')
      await aMoment()
      expect(closed).toBe(true)
      await expectNothingKept()
    })

    it('when it is aborted while its source hangs', async () => {
      const blob = await content(2 * mebibyte)
      const controller = new AbortController()
      const putting = store().put(
        hangsAfter(blob, () => controller.abort(new Error('hung up'))),
        () => blob.digest,
        {
          signal: controller.signal,
        },
      )
      await expect(putting).rejects.toThrow('hung up')
      await expectNothingKept()
    })

    it('and takes nothing from what was there under the same digest', async () => {
      const blob = await content(2 * mebibyte)
      await put(store(), blob)
      const source = async function* () {
        yield* stream(blob.bytes.subarray(0, mebibyte))
        throw new Error('the line went dead')
      }
      await expect(store().put(source(), () => blob.digest)).rejects.toThrow('the line went dead')
      expect(Buffer.compare(await readAll(await store().get(blob.digest)), blob.bytes)).toBe(0)
      expect(await residue()).toEqual([])
    })
  })

  it('a blob is not there before its put has ended', async () => {
    const blob = await content(2 * mebibyte)
    let seen: unknown = 'not looked at'
    const source = async function* () {
      yield* stream(blob.bytes)
      seen = { stat: await store().stat(blob.digest), listed: await listed(store()) }
    }
    await store().put(source(), () => blob.digest)
    expect(seen).toEqual({ stat: undefined, listed: [] })
    expect(await store().stat(blob.digest)).toEqual({ size: blob.bytes.length })
  })
}

async function* hangsAfter(blob: Content, then: () => void): ByteStream {
  yield* stream(blob.bytes)
  setImmediate(then)
  await new Promise(() => undefined)
}
