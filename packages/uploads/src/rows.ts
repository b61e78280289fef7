import {
  ArtifactError,
  parseAnyDigest,
  parseArtifactPath,
  parseDigest,
  parsePackageId,
  parseSha256,
  parseUploadId,
} from '@artifact-store/core'
import type { Upload, UploadPhase, UploadProblem } from './upload.ts'

/** A row of `uploads.sessions`. Where the pool does not parse `bigint`, it comes as text. */
export interface UploadRow {
  readonly upload_id: string
  readonly actor: string
  readonly role: Upload['role']
  readonly phase: UploadPhase
  readonly length: number | string | null
  readonly size: number | string
  readonly place: unknown
  readonly hashed: Uint8Array | null
  readonly metadata: string
  readonly expected: readonly string[]
  readonly media_type: string
  readonly package_id: string | null
  readonly path: string | null
  readonly parts: readonly string[] | null
  readonly digest: string | null
  readonly sha256: string | null
  readonly problem: UploadProblem | null
  readonly created_at: Date
  readonly expires_at: Date
}

export const uploadColumns =
  'upload_id, actor, role, phase, length, size, place, hashed, metadata, expected, media_type, package_id, path, parts, digest, sha256, problem, created_at, expires_at'

export function toUpload(row: UploadRow): Upload {
  const { digest, sha256, package_id, path } = row
  const size = Number(row.size)
  return {
    id: parseUploadId(row.upload_id),
    actor: row.actor,
    role: row.role,
    phase: row.phase,
    length: row.length === null ? undefined : Number(row.length),
    content: { size, place: row.place ?? undefined, hashed: row.hashed ?? undefined },
    metadata: row.metadata,
    expected: row.expected.map(text => parseAnyDigest(text)),
    mediaType: row.media_type,
    target:
      package_id === null || path === null ? undefined : { packageId: parsePackageId(package_id), path: parseArtifactPath(path) },
    parts: (row.parts ?? []).map(text => parseUploadId(text)),
    digests: digest === null || sha256 === null ? undefined : { digest: parseDigest(digest), sha256: parseSha256(sha256), size },
    problem: row.problem ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

/** @throws ArtifactError `internal` when there is none. */
export function single(rows: readonly UploadRow[]): Upload {
  const [row] = rows
  if (row === undefined) throw new ArtifactError('internal', 'the database answered no row where there is one')
  return toUpload(row)
}
