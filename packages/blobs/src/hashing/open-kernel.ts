import type { Digest } from '@artifact-store/core/digest'
import { ArtifactError, isArtifactError } from '@artifact-store/core/errors'
import type { HashKernel } from './kernel.ts'
import { loadNativeKernel } from './native-kernel.ts'
import { portableKernel } from './portable-kernel.ts'

/** `auto`: the native kernel where there is one, else the portable one. */
export const kernelChoices = ['portable', 'native', 'auto'] as const
export type KernelChoice = (typeof kernelChoices)[number]

/**
 * The kernel that was asked for, once it has given the portable one's digests: a digest is stored for good, so a kernel that is
 * wrong on some processor must be found out before its first one.
 * @throws ArtifactError `configuration` when `native` is not to be had, or when what is there hashes wrongly.
 */
export async function openHashKernel(choice: KernelChoice): Promise<HashKernel> {
  if (choice === 'portable') return portableKernel
  try {
    const native = await loadNativeKernel()
    await assertSameDigests(native, portableKernel)
    return native
  } catch (error) {
    if (choice === 'auto' && isArtifactError(error, 'configuration') && error.cause !== undefined) return portableKernel
    throw error
  }
}

/** The lengths at which BLAKE3's tree changes its shape, and those of which a vectorised kernel hashes several at once, each with a neighbour. */
const lengths = [
  0, 1, 63, 64, 65, 127, 1023, 1024, 1025, 2048, 2049, 3073, 4096, 5121, 8193, 16_384, 31_744, 65_537, 131_073, 262_144,
]
const pieces = [1000, 16_384]

/** @throws ArtifactError `configuration` naming the length at which they differ. */
export async function assertSameDigests(kernel: HashKernel, reference: HashKernel): Promise<void> {
  const longest = Uint8Array.from({ length: Math.max(...lengths) }, (_, index) => index % 251)
  for (const length of lengths) {
    const bytes = longest.subarray(0, length)
    const right = reference.hash(bytes)
    const given = [kernel.hash(bytes), ...(await Promise.all(pieces.map(piece => hashInPieces(kernel, bytes, piece))))]
    if (given.every(digest => digest === right)) continue
    throw new ArtifactError(
      'configuration',
      `the ${kernel.name} hashing kernel gives wrong digests on this machine (of ${length} bytes, for one): ask for the ${reference.name} one`,
      { details: { kernel: kernel.name, length } },
    )
  }
}

async function hashInPieces(kernel: HashKernel, bytes: Uint8Array, piece: number): Promise<Digest> {
  const hasher = await kernel.stream()
  for (let position = 0; position < bytes.length; position += piece) hasher.update(bytes.subarray(position, position + piece))
  return hasher.digest()
}
