import { describe, expect, it } from 'vitest'
import { content } from '../src/conformance/content.ts'
import { assertSameDigests } from '../src/hashing/open-kernel.ts'
import { type HashKernel, hashBytes, openContentHashing, openHashKernel, portableKernel } from '../src/index.ts'

const bytes = (await content(3_000_001)).bytes
const right = await hashBytes(bytes)

describe('the choice of a kernel', () => {
  it('gives the portable one where that is asked for', async () => {
    expect(await openHashKernel('portable')).toBe(portableKernel)
  })

  it('takes whichever is there for auto, and its digests are those of the portable one', async () => {
    const kernel = await openHashKernel('auto')
    expect(await hashBytes(bytes, kernel)).toEqual(right)
  })

  it('refuses a kernel that is wrong at some length, and names the length', async () => {
    const wrongFrom2048: HashKernel = {
      ...portableKernel,
      name: 'native',
      hash: data => portableKernel.hash(data.subarray(0, 2047)),
    }
    await expect(assertSameDigests(wrongFrom2048, portableKernel)).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('2048 bytes'),
    })
  })

  it('refuses a kernel that is wrong only when the bytes come in pieces', async () => {
    const forgetsPieces: HashKernel = {
      ...portableKernel,
      name: 'native',
      async stream() {
        const hasher = await portableKernel.stream()
        let first = true
        return {
          ...hasher,
          update(chunk) {
            if (first) hasher.update(chunk)
            first = false
          },
        }
      },
    }
    await expect(assertSameDigests(forgetsPieces, portableKernel)).rejects.toMatchObject({ kind: 'configuration' })
  })
})

describe.for(['portable', 'auto'] as const)('hashing on threads with the kernel %s', choice => {
  it.for([0, 1, 65_536, 262_144, 262_145, 1_000_000, 3_000_001])('gives the same digests for %i bytes', async size => {
    await using hashing = await openContentHashing({ kernel: choice, threads: 2 })
    using hasher = await hashing.open(undefined)
    for (let position = 0; position < size; position += 50_000)
      await hasher.update(bytes.subarray(position, Math.min(size, position + 50_000)))
    expect(await hasher.digests()).toEqual(await hashBytes(bytes.subarray(0, size)))
  })

  it('takes chunks that are longer than its blocks, and copies them', async () => {
    await using hashing = await openContentHashing({ kernel: choice, threads: 1 })
    using hasher = await hashing.open(undefined)
    const chunk = bytes.slice()
    await hasher.update(chunk)
    chunk.fill(0)
    expect(await hasher.digests()).toEqual(right)
  })

  it('keeps many streams apart, and those that are given up half way', async () => {
    await using hashing = await openContentHashing({ kernel: choice, threads: 2 })
    const digests = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        using hasher = await hashing.open(undefined)
        const part = bytes.subarray(index)
        for (let position = 0; position < part.length; position += 70_001) {
          await hasher.update(part.subarray(position, position + 70_001))
          if (index % 3 === 0 && position > 1_000_000) return undefined
        }
        return await hasher.digests()
      }),
    )
    const expected = await Promise.all(
      digests.map((_, index) => (index % 3 === 0 ? undefined : hashBytes(bytes.subarray(index)))),
    )
    expect(digests).toEqual(expected)
  })

  it('tells a stream whose thread has ended, and goes on with another thread', async () => {
    await using hashing = await openContentHashing({ kernel: choice, threads: 1 })
    using cut = await hashing.open(undefined)
    await cut.update(bytes)
    await hashing[Symbol.asyncDispose]()
    await expect(cut.digests()).rejects.toMatchObject({ kind: 'internal', message: expect.stringContaining('thread') })
    using next = await hashing.open(undefined)
    await next.update(bytes)
    expect(await next.digests()).toEqual(right)
  })
})
