import { ArtifactError } from './errors.ts'

/** A file's place in a package: relative, `/` between segments, NFC, safe to join to a directory on any POSIX system. */
export type ArtifactPath = string & { readonly __brand: 'ArtifactPath' }

/** At most so many bytes of UTF-8, and so many in each segment (the NAME_MAX of every common file system). */
export const maxPathBytes = 1024
export const maxSegmentBytes = 255

/**
 * Parses a path and normalises it to NFC, so that two spellings of one name are one path.
 * @throws ArtifactError `invalid-path` with `details: { path, rule }` when it is empty, absolute, longer than 1024 bytes, has a segment that
 * is empty, `.`, `..` or longer than 255 bytes, or holds a backslash, a control character (C0, DEL, C1) or a lone surrogate.
 */
export function parseArtifactPath(text: string): ArtifactPath {
  const path = text.normalize('NFC')
  const rule = brokenRule(path)
  if (rule !== undefined) {
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path
    throw new ArtifactError(
      'invalid-path',
      `the path ${JSON.stringify(shown.toWellFormed())} ${rule}; give a relative path such as logs/run.txt`,
      {
        details: { path: shown.toWellFormed(), rule },
      },
    )
  }
  return path as ArtifactPath
}

/** The directories that a path lies in, outermost first: `a/b/c` has `a` and `a/b`. */
export function ancestorsOf(path: ArtifactPath): ArtifactPath[] {
  const ancestors: ArtifactPath[] = []
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1))
    ancestors.push(path.slice(0, slash) as ArtifactPath)
  return ancestors
}

/** Orders by the bytes of UTF-8, which is the manifest's order and that of `collate "C"` in PostgreSQL. */
export function comparePathBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

function brokenRule(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (!path.isWellFormed()) return 'holds a lone surrogate'
  if (/\p{Cc}/u.test(path)) return 'holds a control character'
  if (path.includes('\\')) return 'holds a backslash'
  if (path.startsWith('/')) return 'begins with "/"'
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty segment'
    if (segment === '.' || segment === '..') return `has the segment "${segment}"`
    if (Buffer.byteLength(segment) > maxSegmentBytes) return `has a segment longer than ${maxSegmentBytes} bytes`
  }
  return undefined
}

/** UTF-16 puts surrogates (code points from U+10000) before U+E000; UTF-8 puts them after U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
