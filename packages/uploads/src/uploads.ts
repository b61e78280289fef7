import type { ByteStream, CheckedUploads } from '@artifact-store/blobs'
import { ArtifactError, type UploadId } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import type { ChunkChecksum } from './chunk-checksum.ts'
import { collect } from './collect.ts'
import { type Completed, complete, partContent, type Register } from './complete.ts'
import { type Lease, takeLease } from './lease.ts'
import { receive } from './receive.ts'
import { insertUpload, listUnfinished, requireUpload, type UploadFilter } from './sessions.ts'
import type { NewUpload, Upload } from './upload.ts'

export interface UploadsOptions {
  /** The bytes, checked. */
  readonly uploads: CheckedUploads
  /** As the role `gateway`. */
  readonly database: Queryable
  readonly register: Register
  /** How long an upload stays to which nobody writes, in milliseconds. */
  readonly expiryMs: number
  /** The most bytes that an upload may have. */
  readonly maxBytes: number
}

/** A piece of an upload, as its request describes it before its bytes are asked for. */
export interface OfferedPiece {
  readonly offset: number
  /** The upload's length, where it is said only now. */
  readonly uploadLength: number | undefined
  /** How many bytes it has, where that was declared. */
  readonly size: number | undefined
  readonly checksum: ChunkChecksum | undefined
  /** Asks for the bytes. Called once, when nothing stands in their way any more. */
  open(): ByteStream
  readonly signal: AbortSignal
}

type NewWhole = Omit<NewUpload, 'kind'> & { readonly kind: Extract<NewUpload['kind'], { role: 'whole' | 'part' }> }
type NewFinal = Omit<NewUpload, 'kind'> & { readonly parts: readonly UploadId[] }

/** Uploads in pieces, which any process on the same database and bytes may go on with. */
export interface Uploads {
  readonly maxBytes: number
  /** @throws ArtifactError `body-too-large` */
  begin(upload: NewWhole): Promise<Upload>
  /** Makes one upload of parts that are complete, and completes it. @throws ArtifactError `upload-not-found`, `upload-incomplete`, `body-too-large`, and as `append`. */
  concatenate(upload: NewFinal): Promise<Completed>
  /** How an upload stands. Where its completion was interrupted, that is done first; then it throws as `append` does. */
  look(id: UploadId, actor: string): Promise<Completed>
  list(filter: UploadFilter): Promise<Upload[]>
  /**
   * Takes a piece in. With the last one the upload is completed: its bytes are a blob, and the file of a package where that was said.
   * @throws ArtifactError `offset-mismatch` (details offset), `upload-locked`, `upload-final`, `body-too-large`, `checksum-mismatch`, `invalid-request`,
   * `upload-not-found`; on completion also `digest-mismatch` and what `register` throws. A failure for good is remembered and thrown again.
   */
  append(id: UploadId, actor: string, piece: OfferedPiece): Promise<Completed>
  /** Ends an upload and gives its bytes up; what is a blob already stays. @throws ArtifactError `upload-not-found`, `upload-locked` */
  end(id: UploadId, actor: string): Promise<void>
  /** Removes what has expired. */
  collect(signal: AbortSignal): Promise<{ readonly expired: number; readonly orphans: number }>
}

export function createUploads(options: UploadsOptions): Uploads {
  const { uploads, database, expiryMs, maxBytes } = options

  function requireSmallEnough(length: number): void {
    if (length <= maxBytes) return
    throw new ArtifactError('body-too-large', `an upload may have ${maxBytes} bytes here, not ${length}: split it`, {
      details: { maxBytes, length },
    })
  }

  async function held<T>(id: UploadId, work: (lease: Lease) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const lease = await takeLease(database, id, { expiryMs, signal })
    try {
      return await work(lease)
    } finally {
      // Whoever cannot release is replaced in a moment.
      await lease.release().catch(() => undefined)
    }
  }

  /** @throws ArtifactError when the piece does not fit where the upload is. */
  function requireFitting({ id, content, length }: Upload, { offset, size = 0, uploadLength }: OfferedPiece): void {
    if (content.size !== offset) {
      throw new ArtifactError('offset-mismatch', `upload ${id} is at ${content.size} and not at ${offset}: go on from there`, {
        details: { uploadId: id, offset: content.size },
      })
    }
    if (uploadLength !== undefined) {
      requireSmallEnough(uploadLength)
      const agrees = length === undefined ? uploadLength >= content.size : uploadLength === length
      if (!agrees)
        throw new ArtifactError(
          'invalid-request',
          `Upload-Length is ${uploadLength}, and upload ${id} has ${length ?? content.size} bytes`,
        )
    }
    const end = offset + size
    const limit = uploadLength ?? length ?? maxBytes
    if (end > limit) {
      throw new ArtifactError(
        'body-too-large',
        `with this piece upload ${id} would have ${end} bytes, and it has ${limit} at most`,
        {
          details: { uploadId: id, limit },
        },
      )
    }
  }

  return {
    maxBytes,

    async begin(upload) {
      requireSmallEnough(upload.kind.length ?? 0)
      return insertUpload(database, upload, expiryMs)
    },

    async concatenate({ parts, ...upload }) {
      const found = await Promise.all(parts.map(part => requireUpload(database, part, upload.actor)))
      const length = found.reduce((sum, part) => sum + partContent(part).content.size, 0)
      requireSmallEnough(length)
      const { id } = await insertUpload(database, { ...upload, kind: { role: 'final', parts, length } }, expiryMs)
      return held(id, lease => complete(options, lease))
    },

    async look(id, actor) {
      const upload = await requireUpload(database, id, actor)
      if (upload.phase !== 'received') return { upload, position: undefined }
      return held(id, lease => finish(options, lease))
    },

    list: filter => listUnfinished(database, filter),

    async append(id, actor, piece) {
      const seen = await requireUpload(database, id, actor)
      if (seen.role === 'final') throw takesNoBytes(id)
      // Before anybody waits for the lease. It is looked at again under it.
      if (seen.content.size > piece.offset) requireFitting(seen, piece)
      const append = async (lease: Lease) => {
        requireFitting(lease.upload, piece)
        if (piece.uploadLength !== undefined && lease.upload.length === undefined)
          await lease.change({ length: piece.uploadLength })
        if (lease.upload.phase === 'receiving') {
          const { length, content } = await receive(uploads, lease, {
            bytes: piece.open(),
            checksum: piece.checksum,
            signal: piece.signal,
          })
          if (content.size !== length) return { upload: lease.upload, position: undefined }
          await lease.change({ phase: 'received' })
        }
        return finish(options, lease)
      }
      return held(id, append, piece.signal)
    },

    async end(id, actor) {
      await requireUpload(database, id, actor)
      await held(id, async lease => {
        await uploads.discard(id)
        await lease.remove()
      })
    },

    collect: signal => collect(options, { orphanAgeMs: expiryMs, signal }),
  }
}

/** What is to be done with an upload of which all bytes are there. */
async function finish(options: UploadsOptions, lease: Lease): Promise<Completed> {
  const { upload } = lease
  if (upload.phase === 'received') return complete(options, lease)
  if (upload.problem) throw new ArtifactError(upload.problem.kind, upload.problem.message, { details: upload.problem.details })
  return { upload, position: undefined }
}

function takesNoBytes(id: UploadId): ArtifactError {
  return new ArtifactError('upload-final', `upload ${id} is made of its parts and takes no bytes: send them to a part`, {
    details: { uploadId: id },
  })
}
