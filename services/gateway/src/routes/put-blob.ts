import { z } from 'zod'
import { receiveBody } from '../http/receive-body.ts'
import { sendJson } from '../http/send-json.ts'
import { setHeader } from '../http/set-header.ts'
import { answerAt } from '../http/with-position.ts'
import { storeBlob } from '../registry/store-blob.ts'
import { defineRoute } from '../route.ts'
import { digestParam } from './parameters.ts'
import { uploadHeaders, uploadProblems } from './upload-headers.ts'

export const putBlobRoute = defineRoute({
  method: 'put',
  path: '/v1/blobs/{digest}',
  id: 'putBlob',
  summary: 'Store bytes under their digest',
  description: 'Bytes that do not have the digest are refused, and nothing is kept.',
  scope: 'write',
  params: z.object({ digest: digestParam }),
  headers: uploadHeaders,
  body: { kind: 'bytes', description: 'The bytes' },
  answers: {
    201: { description: 'The bytes are new here', schema: z.object({ digest: z.string(), sha256: z.string(), size: z.int() }) },
    200: { description: 'The bytes were here', schema: z.object({ digest: z.string(), sha256: z.string(), size: z.int() }) },
  },
  problems: uploadProblems,
  async handle({ c, gateway, caller, params, signal }) {
    const body = receiveBody(c, { idleMs: gateway.bodyIdleMs, maxBytes: gateway.uploadLimits.maxBytes })
    const { answer, position } = await storeBlob(gateway, caller.actor, {
      bytes: body.openOrRead(),
      size: body.size,
      expect: [params.digest, ...body.expect],
      signal,
    })
    await answerAt(c, gateway.follower, position)
    setHeader(c, 'location', `/v1/blobs/${answer.content.digest}`)
    return sendJson(c, answer.content, answer.isNew ? 201 : 200)
  },
})
