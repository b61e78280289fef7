import { createHash } from 'node:crypto'
import { blake3, type ContentDigests, digestFromBytes, type PackageId, parsePackageId, parseSha256 } from '@artifact-store/core'

/** Choices that are the same for the same seed. */
export interface RandomSource {
  /** True so often, from 0 to 1. */
  chance(probability: number): boolean
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  /** Undefined only for an empty list. */
  oneOf<T>(list: readonly T[]): T | undefined
  /** Lower-case hex digits. */
  hex(digits: number): string
  packageId(): PackageId
  /** Of bytes that nobody has. */
  content(): ContentDigests
  /** One line that is hard to carry: quotes, braces, backslashes, what other notations take for something else. */
  text(): string
  /** An RFC 3339 time with milliseconds, from the year 1 to 9999. */
  timestamp(): string
}

export function randomSource(seed: number): RandomSource {
  const next = mulberry32(seed)
  const below = (end: number) => Math.floor(next() * end)
  const oneOf = <T>(list: readonly T[]) => list[below(list.length)]
  const hex = (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  return {
    chance: probability => next() < probability,
    below,
    oneOf,
    hex,
    packageId: () => parsePackageId(`0198c0de-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`),
    content() {
      const bytes = hex(32)
      const sha256 = parseSha256(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
      // Up to what a JavaScript number holds a thousand times without loss.
      return { digest: digestFromBytes(blake3(bytes)), sha256, size: Math.floor(next() ** 4 * 2 ** 43) }
    },
    text: () => oneOf(texts) ?? '',
    timestamp: () => new Date(oneOf(times) ?? 0).toISOString(),
  }
}

const texts = [
  'plain',
  'NULL',
  '{a,"b"}',
  '{}',
  'C:\\new\\',
  `it's "quoted"`,
  'naïve €',
  '\u{1f600} \uffee',
  ' a, b ',
  '$1 %s',
  '--',
  '__proto__',
]
const times = [
  '0001-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '2024-02-29T12:00:00.001Z',
  '2100-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
]

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
