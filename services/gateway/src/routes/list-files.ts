import { listFiles } from '@artifact-store/views'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { nextLink } from '../http/next-link.ts'
import { requirePackage } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { fileDocument, toFileDocument } from './file-document.ts'
import { cursorParam, limitParam, packageIdParam } from './parameters.ts'

export const listFilesRoute = defineRoute({
  method: 'get',
  path: '/v1/packages/{id}/files',
  id: 'listFiles',
  summary: 'List the files of a package in the order of their paths’ bytes',
  scope: 'read',
  params: z.object({ id: packageIdParam }),
  query: z.object({ cursor: cursorParam, limit: limitParam(1000, 200) }),
  answers: {
    200: {
      description: 'A page of files; `next` and `Link: rel="next"` where there are more',
      schema: z.object({ files: z.array(fileDocument), next: z.string().optional() }),
    },
  },
  problems: ['package-not-found'],
  async handle({ c, gateway, params, query }) {
    await requirePackage(gateway, params.id)
    const rows = await listFiles(gateway.views, params.id, { after: decodeCursor(query.cursor), limit: query.limit + 1 })
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    const next = rows.length > query.limit && last ? encodeCursor(last.path) : undefined
    nextLink(c, next)
    return c.json({ files: page.map(toFileDocument), ...(next ? { next } : {}) })
  },
})
