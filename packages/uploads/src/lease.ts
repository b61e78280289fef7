import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { PartialContent } from '@artifact-store/blobs'
import { ArtifactError, type ContentDigests, type UploadId } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import { toUpload, type UploadRow, uploadColumns } from './rows.ts'
import { uploadNotFound } from './sessions.ts'
import type { Upload, UploadProblem } from './upload.ts'

/** How often a writer that gets anywhere says so, in milliseconds. */
export const beatMs = 1000
/** A writer that has not said so for that long, in milliseconds, may be replaced: its process is gone, or its client is. */
const staleAfterMs = 3 * beatMs
/** How long a newcomer waits for the one before it, in milliseconds: long enough for it to become stale. */
const patienceMs = staleAfterMs + 2000
const askAgainMs = 150

/** What of an upload changes. What is absent stays. */
interface UploadChange {
  readonly content?: PartialContent
  readonly length?: number
  readonly phase?: 'received' | 'completed' | 'failed'
  readonly digests?: ContentDigests
  readonly problem?: UploadProblem
}

/**
 * The right to write to one upload. It is lost when another takes it, which may happen whenever its holder has been silent for
 * `staleAfterMs`; from then on every change is refused, so that a process which comes back late changes nothing. All times are the database's.
 */
export interface Lease {
  /** As it was when the lease was taken, and as it was changed since. */
  readonly upload: Upload
  /** Whether the writer before had ended as it should. */
  readonly alone: boolean
  /** Says that this writer gets somewhere. @throws ArtifactError `upload-locked` when it was replaced. */
  beat(): Promise<void>
  /** Changes the upload, in one statement, and says that this writer gets somewhere. @throws ArtifactError `upload-locked` */
  change(change: UploadChange): Promise<Upload>
  /** Says it again and again while work is under way that ends by itself. */
  keep(): AsyncDisposable
  /** Removes the upload from the database. */
  remove(): Promise<void>
  /** Ends it; whoever comes next is alone. Harmless where it was lost. */
  release(): Promise<void>
}

/**
 * Takes the right to write, waiting a little where another has it.
 * @param ends whether the upload's own time is to be extended, which is so for everyone but the collector.
 * @throws ArtifactError `upload-locked` when that one gets on with its work; `upload-not-found`.
 */
export async function takeLease(
  database: Queryable,
  id: UploadId,
  options: { readonly expiryMs: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Lease> {
  const deadline = performance.now() + (options.expiryMs === undefined ? 0 : patienceMs)
  for (;;) {
    const writer = randomUUID()
    const { rows } = await database.query<UploadRow & { replaced: string | null }>({
      text: `with held as (select writer as replaced from uploads.sessions where upload_id = $1 for update)
             update uploads.sessions set writer = $2, writer_seen = clock_timestamp() from held
              where upload_id = $1 and (writer is null or writer_seen < clock_timestamp() - $3 * interval '1 millisecond')
             returning replaced, ${uploadColumns}`,
      values: [id, writer, staleAfterMs],
    })
    const [row] = rows
    if (row)
      return heldLease(database, { writer, upload: toUpload(row), alone: row.replaced === null, expiryMs: options.expiryMs })
    await requireThere(database, id)
    if (performance.now() > deadline) throw locked(id)
    await delay(askAgainMs, undefined, options.signal ? { signal: options.signal } : {})
  }
}

function heldLease(
  database: Queryable,
  { writer, upload, alone, expiryMs }: { writer: string; upload: Upload; alone: boolean; expiryMs: number | undefined },
): Lease {
  const { id } = upload
  let current = upload

  async function beat(): Promise<void> {
    const { rowCount } = await database.query({
      text: 'update uploads.sessions set writer_seen = clock_timestamp() where upload_id = $1 and writer = $2',
      values: [id, writer],
    })
    if (rowCount === 0) throw replaced(id)
  }

  return {
    alone,
    beat,
    get upload() {
      return current
    },

    async change({ content, length, phase, digests, problem }) {
      const { rows } = await database.query<UploadRow>({
        text: `update uploads.sessions
                  set size = coalesce($3, size), place = coalesce($4, place),
                      hashed = case when $3::bigint is null then hashed else $5 end,
                      length = coalesce($6, length), phase = coalesce($7, phase), digest = coalesce($8, digest), sha256 = coalesce($9, sha256),
                      problem = coalesce($10, problem), writer_seen = clock_timestamp(),
                      expires_at = greatest(expires_at, clock_timestamp() + coalesce($11, 0) * interval '1 millisecond')
                where upload_id = $1 and writer = $2
               returning ${uploadColumns}`,
        values: [
          id,
          writer,
          content?.size ?? null,
          content?.place === undefined ? null : JSON.stringify(content.place),
          content?.hashed ?? null,
          length ?? null,
          phase ?? null,
          digests?.digest ?? null,
          digests?.sha256 ?? null,
          problem === undefined ? null : JSON.stringify(problem),
          expiryMs ?? null,
        ],
      })
      const [row] = rows
      if (row === undefined) throw replaced(id)
      current = toUpload(row)
      return current
    },

    keep() {
      const stop = new AbortController()
      const beating = (async () => {
        for (;;) {
          await delay(beatMs, undefined, { signal: stop.signal })
          await beat()
        }
      })().catch(() => undefined)
      return {
        async [Symbol.asyncDispose]() {
          stop.abort()
          await beating
        },
      }
    },

    async remove() {
      await database.query({ text: 'delete from uploads.sessions where upload_id = $1 and writer = $2', values: [id, writer] })
    },

    async release() {
      await database.query({
        text: 'update uploads.sessions set writer = null, writer_seen = null where upload_id = $1 and writer = $2',
        values: [id, writer],
      })
    },
  }
}

async function requireThere(database: Queryable, id: UploadId): Promise<void> {
  const { rows } = await database.query({ text: 'select from uploads.sessions where upload_id = $1', values: [id] })
  if (rows.length === 0) throw uploadNotFound(id)
}

function locked(id: UploadId): ArtifactError {
  return new ArtifactError('upload-locked', `another request writes to upload ${id}: let it end, or try again in a moment`, {
    details: { uploadId: id },
  })
}

function replaced(id: UploadId): ArtifactError {
  return new ArtifactError(
    'upload-locked',
    `another request went on with upload ${id} after this one had been silent for a while: ask where it is, and go on from there`,
    { details: { uploadId: id } },
  )
}
