import type { ByteStream, CheckedUploads } from '@artifact-store/blobs'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import type { ChunkChecksum } from './chunk-checksum.ts'
import { beatMs, type Lease } from './lease.ts'
import type { Upload } from './upload.ts'

export interface Piece {
  readonly bytes: ByteStream
  /** What the piece must be: then it counts as a whole or not at all. */
  readonly checksum: ChunkChecksum | undefined
  readonly signal: AbortSignal
}

/**
 * Takes a piece in. The bytes are made durable, and then recorded together with the state of the hash, every second and at the end, also when
 * the piece breaks off: nothing that was received is lost but by the death of this process.
 * @throws ArtifactError `body-too-large` when it goes on behind the upload's end, `checksum-mismatch`, `upload-locked`; what broke the piece.
 */
export async function receive(uploads: CheckedUploads, lease: Lease, { bytes, checksum, signal }: Piece): Promise<Upload> {
  const { id, content, length, role } = lease.upload
  await using writer = await uploads.resume(id, content, { alone: lease.alone, hash: role === 'whole', signal })
  const record = async () => lease.change({ content: await writer.checkpoint() })

  let position = content.size
  let recordedAt = performance.now()
  try {
    for await (const chunk of bytes) {
      position += chunk.length
      if (length !== undefined && position > length) throw tooMuch(lease.upload, position)
      checksum?.update(chunk)
      await writer.write(chunk)
      if (performance.now() - recordedAt < beatMs) continue
      // What is not proven yet must not count, but its writer is alive.
      await (checksum ? lease.beat() : record())
      recordedAt = performance.now()
    }
    checksum?.verify()
  } catch (error) {
    // The first error is the one that counts; what cannot be recorded now is sent again.
    if (!checksum && !isArtifactError(error, 'upload-locked')) await record().catch(() => undefined)
    throw error
  }
  return await record()
}

function tooMuch({ id, length }: Upload, position: number): ArtifactError {
  return new ArtifactError(
    'body-too-large',
    `upload ${id} has ${length} bytes and was sent ${position} or more: send what is missing and nothing else`,
    { details: { uploadId: id, length } },
  )
}
