import { ArtifactError, newUploadId, type UploadId } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import { single, toUpload, type UploadRow, uploadColumns } from './rows.ts'
import type { NewUpload, Upload } from './upload.ts'

/** Begins an upload. No byte of it is anywhere before this. @param expiryMs how long it stays without being written to. */
export async function insertUpload(database: Queryable, upload: NewUpload, expiryMs: number): Promise<Upload> {
  const { kind, target } = upload
  const { rows } = await database.query<UploadRow>({
    text: `insert into uploads.sessions (upload_id, actor, role, phase, length, size, metadata, expected, media_type, package_id, path, parts, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp() + $13 * interval '1 millisecond')
           returning ${uploadColumns}`,
    values: [
      newUploadId(),
      upload.actor,
      kind.role,
      // Its parts have all of its bytes.
      kind.role === 'final' ? 'received' : 'receiving',
      kind.length ?? null,
      kind.role === 'final' ? kind.length : 0,
      upload.metadata,
      upload.expected,
      upload.mediaType,
      target?.packageId ?? null,
      target?.path ?? null,
      kind.role === 'final' ? kind.parts : null,
      expiryMs,
    ],
  })
  return single(rows)
}

/** An upload of this actor. @throws ArtifactError `upload-not-found`, also for those of others and for what has expired. */
export async function requireUpload(database: Queryable, id: UploadId, actor: string): Promise<Upload> {
  const { rows } = await database.query<UploadRow>({
    text: `select ${uploadColumns} from uploads.sessions where upload_id = $1 and actor = $2 and expires_at > clock_timestamp()`,
    values: [id, actor],
  })
  const [row] = rows
  if (row === undefined) throw uploadNotFound(id)
  return toUpload(row)
}

export interface UploadFilter {
  readonly actor: string
  /** Only those that were announced with this digest. */
  readonly digest: string | undefined
  /** Only those behind this one, in the order of their making. */
  readonly after: UploadId | undefined
  readonly limit: number
}

/** Uploads that are not complete and did not fail, the oldest first. */
export async function listUnfinished(database: Queryable, { actor, digest, after, limit }: UploadFilter): Promise<Upload[]> {
  const { rows } = await database.query<UploadRow>({
    text: `select ${uploadColumns} from uploads.sessions
            where actor = $1 and phase in ('receiving', 'received') and expires_at > clock_timestamp()
              and ($2::text is null or $2 = any (expected)) and ($3::uuid is null or upload_id > $3)
            order by upload_id limit $4`,
    values: [actor, digest ?? null, after ?? null, limit],
  })
  return rows.map(toUpload)
}

/** Which uploads nobody may go on with any more: their time is over and nobody writes. */
export async function listExpired(database: Queryable, limit: number): Promise<UploadId[]> {
  const { rows } = await database.query<UploadRow>({
    text: `select ${uploadColumns} from uploads.sessions where expires_at <= clock_timestamp() order by expires_at limit $1`,
    values: [limit],
  })
  return rows.map(row => toUpload(row).id)
}

/** Those of the names that are of no upload in the database. */
export async function unknownAmong(database: Queryable, names: readonly string[]): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>({
    text: `select name from unnest($1::text[]) as name
            where not exists (select from uploads.sessions where upload_id::text = name)`,
    values: [names],
  })
  return rows.map(({ name }) => name)
}

/** Brings the end of parts forward, once what they were for is complete. They may still be used again for a while. */
export async function expireParts(database: Queryable, parts: readonly UploadId[], expiryMs: number): Promise<void> {
  await database.query({
    text: `update uploads.sessions set expires_at = least(expires_at, clock_timestamp() + $2 * interval '1 millisecond') where upload_id = any ($1)`,
    values: [parts, expiryMs],
  })
}

export function uploadNotFound(id: UploadId): ArtifactError {
  return new ArtifactError(
    'upload-not-found',
    `there is no upload ${id} of yours: it may have expired or been ended; begin a new one`,
    { details: { uploadId: id } },
  )
}
