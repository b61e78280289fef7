import { blake3, type Digest, digestFromBytes } from '@artifact-store/core'
import { generatedBytes } from '../../generated-bytes.ts'
import type { Dice } from '../dice.ts'

export interface Content {
  readonly body: Uint8Array
  readonly digest: Digest
  /** Whether the digest goes with the bytes. */
  readonly given: boolean
}

/** The bytes of a file: mostly small, now and then one that several have in common. */
export function contentOf(dice: Dice): Content {
  const size = dice.weighted([
    { weight: 1, value: 0 },
    { weight: 10, value: dice.between(1, 2_000) },
    { weight: 4, value: dice.between(2_000, 80_000) },
    { weight: 1, value: 1_300_000 },
  ])
  const body = Buffer.concat([...generatedBytes(dice.chance(0.2) ? 'common' : dice.hex(8), size)])
  return { body, digest: digestFromBytes(blake3(body)), given: dice.chance(0.5) }
}
