import { ArtifactError } from '@artifact-store/core'

/** Bytes from `start` (the first is 0) up to and without `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The part of the range that lies within `size` bytes, perhaps empty; the whole when there is no range.
 * @throws ArtifactError `range-not-satisfiable` unless start and end are whole numbers and 0 <= start <= end.
 */
export function clampRange(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { start: 0, end: size }
  const { start, end } = range
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new ArtifactError(
      'range-not-satisfiable',
      `bytes ${start} to ${end} are not a range: give whole numbers, 0 <= start <= end`,
      {
        details: { start, end, size },
      },
    )
  }
  return { start: Math.min(start, size), end: Math.min(end, size) }
}
