import { ArtifactError } from '@artifact-store/core'
import type { StagedBytes } from './staging.ts'

/** A run of an upload's bytes that one writer, or several which knew of each other, wrote into one file. */
export interface Segment {
  readonly name: string
  /** The bytes of it that count; there may be more. */
  readonly size: number
}

/** An upload as segments in their order. */
export function stagedInSegments(segments: readonly Segment[]): StagedBytes {
  return { size: segments.reduce((sum, segment) => sum + segment.size, 0), place: { segments } }
}

/** Reads what `stagedInSegments` wrote, which has been in a database meanwhile. @throws ArtifactError `internal` for anything else. */
export function segmentsOf({ size, place }: StagedBytes): readonly Segment[] {
  if (place === undefined || place === null) {
    if (size === 0) return []
    throw notOurs()
  }
  const segments = typeof place === 'object' && 'segments' in place ? place.segments : undefined
  if (!Array.isArray(segments) || !segments.every(isSegment)) throw notOurs()
  if (stagedInSegments(segments).size !== size) throw notOurs()
  return segments
}

/**
 * Where the next writer begins: at the end of the last segment, or, unless it is alone, in a new one. A writer that comes back late holds
 * only the segment of its own, of which no byte counts beyond those that were acknowledged.
 */
export function nextSegment(
  from: StagedBytes,
  alone: boolean,
): { readonly before: readonly Segment[]; readonly last: Segment | undefined } {
  const segments = segmentsOf(from)
  return alone ? { before: segments.slice(0, -1), last: segments.at(-1) } : { before: segments, last: undefined }
}

/** What the backend answers when bytes that were acknowledged are not there. */
export function stagedBytesGone(id: string, { size }: StagedBytes): ArtifactError {
  return new ArtifactError(
    'blob-corrupt',
    `the backend does not have the ${size} bytes of upload ${id} that it had taken: begin the upload anew`,
    { details: { uploadId: id, expectedBytes: size } },
  )
}

/** @throws ArtifactError `internal` for a name that could be read as something else, such as a path. */
export function requireUploadName(id: string): string {
  if (isUploadName(id)) return id
  throw new ArtifactError('internal', `"${id.slice(0, 100)}" cannot be the name of an upload`)
}

export function isUploadName(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text)
}

function isSegment(value: unknown): value is Segment {
  if (typeof value !== 'object' || value === null || !('name' in value && 'size' in value)) return false
  const { name, size } = value
  return typeof name === 'string' && /^[0-9a-f]{16}$/.test(name) && Number.isSafeInteger(size) && Number(size) >= 0
}

function notOurs(): ArtifactError {
  return new ArtifactError(
    'internal',
    'the notes of an upload are not those that this backend wrote: was another one configured?',
  )
}
