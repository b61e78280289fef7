import { describe, expect, it } from 'vitest'
import { createContentHasher, hashBytes } from '../src/index.ts'

// From test_vectors.json of the BLAKE3 project (CC0): the first 32 bytes of `hash`. The input is 0, 1, … 250, 0, 1, …
const blake3Vectors: readonly (readonly [length: number, hash: string])[] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [2048, 'e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a'],
  [2049, '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030'],
  [4096, '015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969'],
  [8193, 'bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b'],
  [16384, 'f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4'],
  [31744, '62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47'],
  [102400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
]

// FIPS 180-2, appendix B, and the empty message of NIST's CAVP byte vectors.
const sha256Vectors: readonly (readonly [message: string, hash: string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
]

describe('hashing', () => {
  it.for(blake3Vectors)('gives the BLAKE3 of the official vectors: %i bytes', async ([length, hash]) => {
    expect(await hashBytes(pattern(length))).toMatchObject({ digest: `blake3:${hash}`, size: length })
  })

  it.for(sha256Vectors)('gives the SHA-256 of the NIST vectors: %.12s…', async ([message, hash]) => {
    expect((await hashBytes(Buffer.from(message))).sha256).toBe(`sha256:${hash}`)
  })

  it.for([1, 63, 64, 1024, 16 * 1024 - 1, 16 * 1024 + 1, 102_400])(
    'gives the same whatever the chunks: %i bytes each',
    async chunkSize => {
      const bytes = pattern(102_400)
      const hasher = await createContentHasher()
      for (let position = 0; position < bytes.length; position += chunkSize)
        hasher.update(bytes.subarray(position, position + chunkSize))
      expect(hasher.digests()).toEqual(await hashBytes(bytes))
    },
  )

  it('keeps streams apart that are hashed at the same time', async () => {
    const hashers = await Promise.all(blake3Vectors.map(() => createContentHasher()))
    const longest = pattern(102_400)
    for (let position = 0; position < longest.length; position += 100) {
      for (const [index, [length]] of blake3Vectors.entries()) {
        hashers[index]?.update(longest.subarray(Math.min(position, length), Math.min(position + 100, length)))
      }
    }
    expect(hashers.map(hasher => hasher.digests().digest)).toEqual(blake3Vectors.map(([, hash]) => `blake3:${hash}`))
  })

  it('starts afresh after a stream that was given up half way', async () => {
    const abandoned = await createContentHasher()
    abandoned.update(pattern(5000))
    expect((await hashBytes(pattern(1))).digest).toBe(`blake3:${blake3Vectors[1]?.[1]}`)
    abandoned.update(pattern(1))
    expect((await hashBytes(pattern(0))).digest).toBe(`blake3:${blake3Vectors[0]?.[1]}`)
  })

  it('refuses to go on with a hasher whose digests were taken', async () => {
    const hasher = await createContentHasher()
    hasher.digests()
    expect(() => hasher.update(pattern(1))).toThrow('make a new one')
    expect(() => hasher.digests()).toThrow('make a new one')
  })
})

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251)
}
