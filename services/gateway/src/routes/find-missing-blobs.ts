import { parseAnyDigest } from '@artifact-store/core'
import { findBlobs } from '@artifact-store/views'
import { z } from 'zod'
import { defineRoute } from '../route.ts'

export const findMissingBlobsRoute = defineRoute({
  method: 'post',
  path: '/v1/blobs/missing',
  id: 'findMissingBlobs',
  summary: 'Which of these bytes are not stored yet?',
  description:
    'What is not in the answer need not be sent: add it to a package by its digest. What is known to be damaged counts as missing, so that sending it heals it.',
  scope: 'write',
  body: {
    kind: 'json',
    schema: z.strictObject({ digests: z.array(z.string().transform(text => parseAnyDigest(text))).max(1000) }),
  },
  answers: {
    200: { description: 'Those that are missing, in the order asked', schema: z.object({ missing: z.array(z.string()) }) },
  },
  problems: [],
  async handle({ c, gateway, body }) {
    const known = new Set<string>()
    for (const blob of await findBlobs(gateway.views, body.digests)) {
      if (blob.state === 'stored' && blob.fixity !== 'failed') known.add(blob.digest).add(blob.sha256)
    }
    return c.json({ missing: body.digests.filter(digest => !known.has(digest)) })
  },
})
