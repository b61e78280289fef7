import {
  type ArtifactPath,
  blake3,
  type ContentDigests,
  digestFromBytes,
  type FileEntry,
  maxSegmentBytes,
  type PackageId,
  parseArtifactPath,
  parsePackageId,
  parseSha256,
} from '@artifact-store/core'

/** A text of exactly so many UTF-16 units, with what is hard to carry in it: quotes, escapes, and characters of two, three and four bytes. */
export function textOf(length: number): string {
  const hard = '"\\/ é€\ufb33\u{1f600}\u{10ffff}\u2028{}%$\'--<>&'
  const whole = hard.repeat(Math.ceil(length / hard.length)).slice(0, length)
  // Half a surrogate pair at the end would be no text.
  return whole.isWellFormed() ? whole : `${whole.slice(0, -1)}x`
}

/** The longest reason, of several lines. */
export function longReason(): string {
  return `${textOf(1990)}\n\tand more`
}

/** Digests that belong to no bytes: what a log says can be read without the bytes. */
export function contentOf(name: string, size = 0): ContentDigests {
  const sha256 = Buffer.from(blake3(`${name} in SHA-256`)).toString('hex')
  return { digest: digestFromBytes(blake3(name)), sha256: parseSha256(`sha256:${sha256}`), size }
}

export function packageIdOf(number: number): PackageId {
  return parsePackageId(`0198c0de-0000-7000-8000-${String(number).padStart(12, '0')}`)
}

/** The longest media type. */
export const longMediaType = `application/${'x'.repeat(126)}+`

/** The largest number that JSON carries without loss everywhere, as a size. */
export const largest = Number.MAX_SAFE_INTEGER

/** As many files as one event may add; the first has the longest path, the others are short. */
export function thousandFiles(): FileEntry[] {
  const others = Array.from({ length: 999 }, (_, i) => parseArtifactPath(`many/${i}`))
  // The same bytes again and again, as in a tree of small files: it also keeps a stored log small.
  return [longestPath(), ...others].map(path => ({ path, ...contentOf('the same', 12), mediaType: 'text/plain' }))
}

/** 1024 bytes in segments of at most 255. */
function longestPath(): ArtifactPath {
  const segments = [maxSegmentBytes, maxSegmentBytes, maxSegmentBytes, maxSegmentBytes - 1, 1].map(bytes =>
    'ü'.repeat(Math.floor(bytes / 2)).padEnd(Math.ceil(bytes / 2), 'x'),
  )
  return parseArtifactPath(segments.join('/'))
}
