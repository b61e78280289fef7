import { abortable } from '@artifact-store/blobs'
import { ArtifactError, isArtifactError, type UploadId } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import { type Completed, createChunkChecksum } from '@artifact-store/uploads'
import type { Context } from 'hono'
import type { GatewayContext } from '../context.ts'
import { receiveBody } from '../http/receive-body.ts'
import { pieceMediaType } from './tus-protocol.ts'
import { parseBytes, parseChecksum } from './upload-request.ts'

/** What is needed of a call to take its body in as a piece of an upload. */
interface PieceCall {
  readonly c: Context<AppEnv>
  readonly gateway: GatewayContext
  readonly actor: string
  readonly signal: AbortSignal
}

/**
 * Takes the body of a request in as the piece of an upload that begins at `offset`. A gateway that is told to stop lets go at once: what had
 * arrived is kept, and the client goes on elsewhere.
 * @throws ArtifactError `unsupported-media-type`, `overloaded` when the gateway stops, `body-incomplete`; and what `Uploads.append` throws.
 */
export async function takePiece({ c, gateway, actor, signal }: PieceCall, id: UploadId, offset: number): Promise<Completed> {
  const body = receiveBody(c, { idleMs: gateway.bodyIdleMs })
  if (body.mediaType !== pieceMediaType) {
    throw new ArtifactError(
      'unsupported-media-type',
      `the body is "${body.mediaType}": a piece of an upload is ${pieceMediaType}`,
    )
  }
  const stated = parseChecksum(c.req.header('upload-checksum'))
  const { stopping } = gateway
  try {
    return await gateway.uploads.append(id, actor, {
      offset,
      uploadLength: parseBytes(c, 'Upload-Length'),
      size: body.size,
      checksum: stated && (await createChunkChecksum(stated.algorithm, stated.digest)),
      open: () => abortable(body.open(), stopping),
      signal: AbortSignal.any([signal, stopping]),
    })
  } catch (error) {
    if (stopping.aborted && error === stopping.reason)
      throw new ArtifactError(
        'overloaded',
        'this gateway is about to stop: what arrived is kept, go on at another one or in a moment',
      )
    if (isArtifactError(error, 'body-incomplete')) {
      throw new ArtifactError(
        'body-incomplete',
        'the piece broke off: what arrived is kept, ask with HEAD where the upload is and go on from there',
        {
          cause: error,
        },
      )
    }
    throw error
  }
}

/** Whether a request brings a piece with it, as a creation may. */
export function bringsPiece(c: Context<AppEnv>): boolean {
  const isPiece = c.req.header('content-type')?.toLowerCase() === pieceMediaType
  return isPiece && (c.req.header('transfer-encoding') !== undefined || (parseBytes(c, 'Content-Length') ?? 0) > 0)
}
