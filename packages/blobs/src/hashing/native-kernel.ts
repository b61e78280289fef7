import { digestFromBytes } from '@artifact-store/core/digest'
import { ArtifactError } from '@artifact-store/core/errors'
import { spent } from '../blocks/tree-hasher.ts'
import type { HashKernel } from './kernel.ts'

/**
 * BLAKE3 in machine code: the prebuilt, vectorised `@napi-rs/blake-hash`, an optional dependency with a build for each platform.
 * @throws ArtifactError `configuration` where it is not installed or has no build for this platform, with the cause.
 */
export async function loadNativeKernel(): Promise<HashKernel> {
  const { Blake3Hasher, blake3 } = await load()
  return {
    name: 'native',
    tellsBlocks: false,
    hash: bytes => digestFromBytes(blake3(bytes)),
    async stream() {
      let hasher: InstanceType<typeof Blake3Hasher> | undefined = new Blake3Hasher()
      return {
        update(chunk) {
          if (hasher === undefined) throw spent()
          hasher.update(chunk)
        },
        digest() {
          if (hasher === undefined) throw spent()
          const digest = digestFromBytes(hasher.digestBuffer())
          hasher = undefined
          return digest
        },
      }
    },
  }
}

async function load(): Promise<typeof import('@napi-rs/blake-hash')> {
  try {
    return await import('@napi-rs/blake-hash')
  } catch (cause) {
    throw new ArtifactError(
      'configuration',
      `there is no native hashing kernel for ${process.platform} ${process.arch} here: install the optional package @napi-rs/blake-hash, or ask for the portable kernel`,
      { cause },
    )
  }
}
