import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { requireTusVersion, tusHeaders } from '../uploads/tus-protocol.ts'
import { uploadIdParam } from './parameters.ts'

export const endUploadRoute = defineRoute({
  method: 'delete',
  path: '/v1/uploads/{id}',
  id: 'endUpload',
  summary: 'End a resumable upload and give up its bytes',
  description: 'tus: termination. A blob that a complete upload has become stays.',
  scope: 'write',
  params: z.object({ id: uploadIdParam }),
  headers: tusHeaders,
  answers: { 204: { description: 'It is gone' } },
  problems: ['precondition-failed', 'upload-not-found', 'upload-locked', 'backend-unavailable'],
  async handle({ c, gateway, caller: { actor }, params }) {
    requireTusVersion(c)
    await gateway.uploads.end(params.id, actor)
    return c.body(null, 204)
  },
})
