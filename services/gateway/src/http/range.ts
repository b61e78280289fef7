import { ArtifactError } from '@artifact-store/core'

/** A run of bytes, `end` exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * Reads a `Range` field (RFC 9110, section 14.2) for a body of `size` bytes. What is not one satisfiable range of bytes is answered with the
 * whole body, as the RFC allows: other units, several ranges, a malformed field.
 * @throws ArtifactError `range-not-satisfiable` when the range begins behind the last byte.
 */
export function parseRange(field: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(field?.replaceAll(' ', '') ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    if (length === 0) throw unsatisfiable(size)
    return { start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) throw unsatisfiable(size)
  return { start, end }
}

function unsatisfiable(size: number): ArtifactError {
  return new ArtifactError('range-not-satisfiable', `the range begins behind the last of ${size} bytes`, { details: { size } })
}
