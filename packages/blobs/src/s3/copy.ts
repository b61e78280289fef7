import { ArtifactError } from '@artifact-store/core'
import { CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import type { Abortable } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'
import type { Capabilities } from './capabilities.ts'
import { abortMultipart, answered, beginMultipart, completeMultipart, type UploadedPart } from './multipart.ts'
import { deleteObject, headObject } from './objects.ts'
import type { PartMemory } from './part-memory.ts'
import { partsOf } from './parts.ts'
import { putLarge } from './put-large.ts'
import { readObject } from './read.ts'

const gibibyte = 1024 ** 3

/** S3 copies no more than this in one piece. */
const largestCopy = 5 * gibibyte

/** Larger objects are copied in pieces of this size: one call for all of it may be silent for longer than a connection may be idle. */
const copyPieceSize = gibibyte

export interface Copy extends Abortable {
  readonly from: string
  readonly to: string
  /** Of the object, in bytes. */
  readonly size: number
  readonly pieceSize?: number | undefined
}

/**
 * Copies an object within the bucket: in the server where that was seen to work, else through this process. The copy takes the
 * place of what is there at once, and is seen to have the right size.
 */
export async function copyObject(calls: S3Calls, capabilities: Capabilities, memory: PartMemory, copy: Copy): Promise<void> {
  const { to, size, pieceSize = copyPieceSize, signal } = copy
  if (size > pieceSize && capabilities.has('copy-part')) await copyPieces(calls, to, rangesOf({ ...copy, pieceSize }), { signal })
  else if (size <= largestCopy && capabilities.has('copy')) await copyWhole(calls, copy)
  else await copyThroughHere(calls, capabilities, memory, copy)
  const copied = await headObject(calls, to, { signal })
  if (copied?.size === size) return
  await deleteObject(calls, to, { signal }).catch(() => undefined)
  throw new ArtifactError(
    'backend-unavailable',
    `the S3 store copied ${copied?.size ?? 'none'} of ${size} bytes; nothing was kept, have it examined again`,
    { details: { expectedBytes: size, storedBytes: copied?.size ?? null } },
  )
}

async function copyWhole(calls: S3Calls, { from, to, signal }: Copy): Promise<void> {
  await calls.call(
    'copy an object',
    (client, Bucket, options) =>
      client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource: `${Bucket}/${encodeURI(from)}` }), options),
    { signal },
  )
}

function rangesOf({ from, size, pieceSize }: Copy & { readonly pieceSize: number }): readonly CopiedRange[] {
  return Array.from({ length: Math.ceil(size / pieceSize) }, (_, i) => ({
    key: from,
    start: i * pieceSize,
    size: Math.min(pieceSize, size - i * pieceSize),
  }))
}

/** A run of bytes of an object. */
export interface CopiedRange {
  readonly key: string
  /** 0 when absent. */
  readonly start?: number
  readonly size: number
}

/** Makes an object of parts of others, one behind the other, in the server. All but the last must be as large as parts have to be. */
export async function copyPieces(
  calls: S3Calls,
  to: string,
  pieces: readonly CopiedRange[],
  { signal }: Abortable = {},
): Promise<void> {
  const { upload } = await beginMultipart(calls, to, { signal })
  try {
    const parts: UploadedPart[] = []
    for (const { key, start = 0, size } of pieces) {
      const range = { from: key, start, end: start + size }
      parts.push(await copyPiece(calls, { ...upload, number: parts.length + 1, ...range, signal }))
    }
    await completeMultipart(calls, upload, parts, { signal })
  } catch (error) {
    await abortMultipart(calls, upload, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
    throw error
  }
}

interface CopiedPiece extends Abortable {
  readonly key: string
  readonly uploadId: string
  readonly number: number
  readonly from: string
  readonly start: number
  readonly end: number
}

/** Makes a part of an upload of the bytes from `start` up to and without `end` of another object. */
export async function copyPiece(calls: S3Calls, piece: CopiedPiece): Promise<UploadedPart> {
  const { key, uploadId, number, from, start, end, signal } = piece
  const { CopyPartResult } = await calls.call(
    `copy piece ${number} of an object`,
    (client, Bucket, options) =>
      client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key: key,
          UploadId: uploadId,
          PartNumber: number,
          CopySource: `${Bucket}/${encodeURI(from)}`,
          CopySourceRange: `bytes=${start}-${end - 1}`,
        }),
        options,
      ),
    { signal },
  )
  return { number, etag: answered('ETag', CopyPartResult?.ETag), size: end - start }
}

async function copyThroughHere(calls: S3Calls, capabilities: Capabilities, memory: PartMemory, copy: Copy): Promise<void> {
  const { from, to, size, signal } = copy
  const bytes = readObject(calls, { key: from, size, range: { start: 0, end: size }, ranges: capabilities.has('range'), signal })
  const stopped = new AbortController()
  await putLarge(calls, to, partsOf(bytes, memory), { signal, onFailure: error => stopped.abort(error) })
}
