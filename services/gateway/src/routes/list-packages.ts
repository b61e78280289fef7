import { listPackages } from '@artifact-store/views'
import { z } from 'zod'
import { decodeSequenceCursor, encodeCursor } from '../http/cursor.ts'
import { nextLink } from '../http/next-link.ts'
import { defineRoute } from '../route.ts'
import { packageDocument, toDocuments } from './package-document.ts'
import { cursorParam, limitParam } from './parameters.ts'

export const listPackagesRoute = defineRoute({
  method: 'get',
  path: '/v1/packages',
  id: 'listPackages',
  summary: 'List packages, newest first',
  scope: 'read',
  query: z.object({
    name: z.string().max(255).optional().describe('Only packages of this name'),
    kind: z.string().max(100).optional().describe('Only packages of this kind'),
    state: z.enum(['open', 'finalized', 'discarded', 'deleted']).optional().describe('Only packages in this state'),
    label: z
      .union([z.string(), z.array(z.string()).max(20)])
      .optional()
      .describe('Only packages with this label, as `key:value`; may be given several times')
      .transform((given, context) => {
        const pairs = (typeof given === 'string' ? [given] : (given ?? [])).map(pair => [
          pair.slice(0, pair.indexOf(':')),
          pair.slice(pair.indexOf(':') + 1),
        ])
        if (pairs.some(([key]) => !key)) context.addIssue('a label is asked for as key:value')
        return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
      }),
    cursor: cursorParam,
    limit: limitParam(500, 50),
  }),
  answers: {
    200: {
      description: 'A page of packages; `next` and `Link: rel="next"` where there are more',
      schema: z.object({ packages: z.array(packageDocument), next: z.string().optional() }),
    },
  },
  problems: [],
  async handle({ c, gateway, query }) {
    const { limit, cursor, label, ...filter } = query
    const rows = await listPackages(
      gateway.views,
      { ...filter, labels: label },
      { before: decodeSequenceCursor(cursor), limit: limit + 1 },
    )
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    const next = rows.length > limit && last ? encodeCursor(last.createdSequence) : undefined
    nextLink(c, next)
    return c.json({ packages: await toDocuments(gateway, page), ...(next ? { next } : {}) })
  },
})
