import { ArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import { answerAt } from '../http/with-position.ts'
import { defineRoute } from '../route.ts'
import { takePiece } from '../uploads/take-piece.ts'
import { requireTusVersion, tusHeaders } from '../uploads/tus-protocol.ts'
import { progressOf } from '../uploads/upload-answer.ts'
import { parseBytes } from '../uploads/upload-request.ts'
import { uploadIdParam } from './parameters.ts'
import { completionProblems } from './upload-headers.ts'

export const appendUploadRoute = defineRoute({
  method: 'patch',
  path: '/v1/uploads/{id}',
  id: 'appendUpload',
  summary: 'Go on with a resumable upload',
  description:
    'tus. What arrives is kept even when the piece breaks off, except for one with a checksum, which counts as a whole. With the last byte the upload is ' +
    'completed before it is answered.',
  scope: 'write',
  params: z.object({ id: uploadIdParam }),
  headers: {
    ...tusHeaders,
    'Upload-Offset': 'Where the piece begins, which must be where the upload is',
    'Upload-Length': 'The size in bytes, where it was deferred',
    'Upload-Checksum': '`sha1`, `sha256`, `sha512` or `blake3`, a space, and the digest of the piece in base64',
  },
  body: { kind: 'bytes', description: 'The piece, as `application/offset+octet-stream`' },
  answers: {
    204: {
      description: 'The piece is durable',
      headers: {
        'Upload-Offset': 'Where the upload is now',
        'Upload-Expires': 'When it ends if nobody goes on',
        'Content-Location': 'Of a complete upload: the blob that it has become',
        'Repr-Digest': 'Of a complete upload: its SHA-256 and BLAKE3 (RFC 9530)',
      },
    },
  },
  problems: [
    'precondition-failed',
    'upload-not-found',
    'upload-locked',
    'upload-final',
    'offset-mismatch',
    'checksum-mismatch',
    'body-too-large',
    ...completionProblems,
  ],
  async handle({ c, gateway, caller: { actor }, params, signal }) {
    requireTusVersion(c)
    const offset = parseBytes(c, 'Upload-Offset')
    if (offset === undefined) throw new ArtifactError('invalid-request', 'Upload-Offset is missing: say where the piece begins')
    const { upload, position } = await takePiece({ c, gateway, actor, signal }, params.id, offset)
    await answerAt(c, gateway.follower, position)
    return c.body(null, 204, progressOf(upload))
  },
})
