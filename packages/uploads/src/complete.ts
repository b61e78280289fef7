import { assertDigests, type CheckedUploads } from '@artifact-store/blobs'
import { ArtifactError, type ContentDigests, type ErrorKind, isArtifactError } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import type { Lease } from './lease.ts'
import { expireParts, requireUpload } from './sessions.ts'
import type { Upload } from './upload.ts'

/**
 * Tells the log of bytes that are stored, and of the file that they are to be, where that was said. It may be called again for the same upload.
 * @returns the position of what was written.
 */
export type Register = (upload: Upload, digests: ContentDigests) => Promise<number | undefined>

export interface Completed {
  readonly upload: Upload
  /** Absent when nothing had to be written into the log. */
  readonly position: number | undefined
}

/** How long the parts of a complete upload stay, so that a client which missed the answer may ask for it again: an hour, in milliseconds. */
const partsStayMs = 60 * 60 * 1000

/**
 * Brings an upload whose bytes are all there to its end: its digests, the blob, the log, in this order, each step recorded or repeatable. So
 * whoever comes next after a crash goes on where it was.
 * @throws ArtifactError why it failed for good, which is recorded with it; or what passes, then it stays `received`.
 */
export async function complete(
  { uploads, database, register }: { uploads: CheckedUploads; database: Queryable; register: Register },
  lease: Lease,
): Promise<Completed> {
  if (lease.upload.role === 'part') return { upload: await lease.change({ phase: 'completed' }), position: undefined }
  await using _ = lease.keep()
  try {
    const digests = await store({ uploads, database }, lease)
    const position = await register(lease.upload, digests)
    const upload = await lease.change({ phase: 'completed' })
    await tidyUp({ uploads, database }, upload)
    return { upload, position }
  } catch (error) {
    if (!isArtifactError(error, ...forGood)) throw error
    await lease.change({ phase: 'failed', problem: { kind: error.kind, message: error.message, details: error.details } })
    await uploads.discard(lease.upload.id)
    throw error
  }
}

/** What will not be otherwise the next time. */
const forGood: readonly ErrorKind[] = [
  'digest-mismatch',
  'blob-corrupt',
  'package-not-found',
  'package-sealed',
  'path-taken',
  'path-conflict',
  'upload-incomplete',
]

async function store(
  { uploads, database }: { uploads: CheckedUploads; database: Queryable },
  lease: Lease,
): Promise<ContentDigests> {
  const { id, role, content, expected, actor, parts } = lease.upload
  if (role === 'final') {
    const contents = await Promise.all(parts.map(async part => partContent(await requireUpload(database, part, actor))))
    const digests = await uploads.concatenate(contents, { expect: expected })
    await lease.change({ digests })
    return digests
  }
  const digests = lease.upload.digests ?? (await uploads.identify(id, content))
  assertDigests(expected, digests)
  // Before the bytes leave their place, where they could be asked for their digests once more.
  if (lease.upload.digests === undefined) await lease.change({ digests })
  await uploads.publish(id, content, digests)
  return digests
}

/** @throws ArtifactError `upload-incomplete` for one that cannot be concatenated. */
export function partContent({ id, role, phase, content }: Upload) {
  if (role === 'part' && phase === 'completed') return { id, content }
  throw new ArtifactError(
    'upload-incomplete',
    role === 'part'
      ? `upload ${id} has not all of its bytes yet: concatenate when its parts are complete`
      : `upload ${id} was not begun as a part: begin those with "Upload-Concat: partial"`,
    { details: { uploadId: id } },
  )
}

async function tidyUp(
  { uploads, database }: { uploads: CheckedUploads; database: Queryable },
  { id, parts }: Upload,
): Promise<void> {
  // What is left over is found by the collector.
  if (parts.length > 0) await expireParts(database, parts, partsStayMs)
  else await uploads.discard(id)
}
