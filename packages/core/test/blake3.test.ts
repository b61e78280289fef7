import { describe, expect, it } from 'vitest'
import { blake3, blake3Stream } from '../src/index.ts'

/** The input of the official BLAKE3 test vectors: bytes that count from 0 to 250, again and again. */
function vectorInput(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251)
}

describe('BLAKE3', () => {
  it.each([
    [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
    [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
    [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
    [102400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
  ])('of %i bytes is as the official test vectors say', async (length, hex) => {
    const input = vectorInput(length)
    expect(Buffer.from(blake3(input)).toString('hex')).toBe(hex)
    const stream = await blake3Stream()
    for (let at = 0; at < length; at += 1000) stream.update(input.subarray(at, at + 1000))
    expect(stream.digest()).toBe(`blake3:${hex}`)
  })

  it('of a text is that of its UTF-8, and earlier results stay as they were', () => {
    const first = blake3('größe')
    const copy = Uint8Array.from(first)
    expect(blake3(Buffer.from('größe'))).toEqual(copy)
    blake3('something else')
    expect(first).toEqual(copy)
  })

  it('of two streams at once does not mix them', async () => {
    const [a, b] = [await blake3Stream(), await blake3Stream()]
    a.update('a')
    b.update('b')
    blake3('c')
    a.update('a')
    expect(a.digest()).toBe(`blake3:${Buffer.from(blake3('aa')).toString('hex')}`)
    expect(b.digest()).toBe(`blake3:${Buffer.from(blake3('b')).toString('hex')}`)
  })
})
