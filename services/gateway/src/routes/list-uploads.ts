import { parseAnyDigest, parseUploadId } from '@artifact-store/core'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { nextLink } from '../http/next-link.ts'
import { setHeader } from '../http/set-header.ts'
import { defineRoute } from '../route.ts'
import { toUploadDocument, uploadDocument } from '../uploads/upload-answer.ts'
import { cursorParam, limitParam } from './parameters.ts'

export const listUploadsRoute = defineRoute({
  method: 'get',
  path: '/v1/uploads',
  id: 'listUploads',
  summary: 'The uploads that the caller may go on with',
  description:
    'Those of the same actor that are not complete, the oldest first. A client that has lost its notes finds its upload by the digest that it announced.',
  scope: 'write',
  query: z.object({
    digest: z
      .string()
      .transform(text => parseAnyDigest(text))
      .optional()
      .describe('Only those that were announced with this digest'),
    limit: limitParam(500, 100),
    cursor: cursorParam,
  }),
  answers: {
    200: {
      description: 'A page',
      schema: z.object({ uploads: z.array(uploadDocument), next: z.string().optional() }),
      headers: { Link: 'The next page' },
    },
  },
  problems: [],
  async handle({ c, gateway, caller: { actor }, query: { digest, limit, cursor } }) {
    const from = decodeCursor(cursor)
    const after = from === undefined ? undefined : parseUploadId(from)
    const uploads = await gateway.uploads.list({ actor, digest, after, limit: limit + 1 })
    const page = uploads.slice(0, limit)
    const last = page.at(-1)
    const next = uploads.length > limit && last ? encodeCursor(last.id) : undefined
    nextLink(c, next)
    setHeader(c, 'cache-control', 'no-store')
    return c.json({ uploads: page.map(toUploadDocument), next })
  },
})
