import { z } from 'zod'
import { answerAt } from '../http/with-position.ts'
import { defineRoute } from '../route.ts'
import { requireTusVersion } from '../uploads/tus-protocol.ts'
import { refuseFailed, toUploadDocument, uploadDocument, uploadState } from '../uploads/upload-answer.ts'
import { uploadIdParam } from './parameters.ts'
import { completionProblems } from './upload-headers.ts'

export const getUploadRoute = defineRoute({
  method: 'get',
  path: '/v1/uploads/{id}',
  id: 'getUpload',
  summary: 'How far a resumable upload is',
  description:
    '`HEAD` is the call of tus, and needs `Tus-Resumable`. An upload whose completion was interrupted is completed first; one that failed for good answers ' +
    '`HEAD` with the status of what it failed of.',
  scope: 'write',
  params: z.object({ id: uploadIdParam }),
  answers: {
    200: {
      description: 'The upload',
      schema: uploadDocument,
      headers: {
        'Upload-Offset': 'Where it is; absent while a concatenation is under way',
        'Upload-Length': 'Its size in bytes',
        'Upload-Defer-Length': '`1` while the size is not known',
        'Upload-Metadata': 'As it was sent',
        'Upload-Concat': 'Of a part, or of what is made of parts',
        'Upload-Expires': 'When it ends if nobody goes on',
        'Content-Location': 'Of a complete upload: the blob that it has become',
        'Repr-Digest': 'Of a complete upload: its SHA-256 and BLAKE3 (RFC 9530)',
      },
    },
  },
  problems: ['precondition-failed', 'upload-not-found', 'upload-locked', ...completionProblems],
  async handle({ c, gateway, caller: { actor }, params }) {
    const isHead = c.req.raw.method === 'HEAD'
    if (isHead) requireTusVersion(c)
    const { upload, position } = await gateway.uploads.look(params.id, actor)
    if (isHead) refuseFailed(upload)
    await answerAt(c, gateway.follower, position)
    return c.json(toUploadDocument(upload), 200, uploadState(upload))
  },
})
