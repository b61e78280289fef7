import { ArtifactError } from '@artifact-store/core'
import { findBlob } from '@artifact-store/views'
import { z } from 'zod'
import { sendBlob } from '../http/send-blob.ts'
import { defineRoute } from '../route.ts'
import { bytesAnswers, bytesHeaders } from './bytes-answers.ts'
import { digestParam } from './parameters.ts'

export const getBlobRoute = defineRoute({
  method: 'get',
  path: '/v1/blobs/{digest}',
  id: 'getBlob',
  summary: 'Fetch bytes by their digest',
  scope: 'read',
  params: z.object({ digest: digestParam }),
  headers: bytesHeaders,
  answers: bytesAnswers,
  problems: ['blob-not-found', 'precondition-failed', 'range-not-satisfiable', 'blob-corrupt', 'backend-unavailable'],
  async handle({ c, gateway, params, signal }) {
    const blob = await findBlob(gateway.views, params.digest)
    if (blob?.state !== 'stored') {
      throw new ArtifactError('blob-not-found', `no bytes with the digest ${params.digest} are stored here`, {
        details: { digest: params.digest },
      })
    }
    return sendBlob(c, gateway, { ...blob, mediaType: 'application/octet-stream' }, signal)
  },
})
