import { listTokens } from '@artifact-store/views'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../http/cursor.ts'
import { nextLink } from '../http/next-link.ts'
import { defineRoute } from '../route.ts'
import { cursorParam, limitParam } from './parameters.ts'
import { tokenDocument, toTokenDocument } from './token-document.ts'

export const listTokensRoute = defineRoute({
  method: 'get',
  path: '/v1/tokens',
  id: 'listTokens',
  summary: 'List the tokens that were issued',
  scope: 'admin',
  query: z.object({ cursor: cursorParam, limit: limitParam(500, 100) }),
  answers: {
    200: { description: 'A page of tokens', schema: z.object({ tokens: z.array(tokenDocument), next: z.string().optional() }) },
  },
  problems: [],
  async handle({ c, gateway, query }) {
    const rows = await listTokens(gateway.views, { after: decodeCursor(query.cursor), limit: query.limit + 1 })
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    const next = rows.length > query.limit && last ? encodeCursor(last.tokenId) : undefined
    nextLink(c, next)
    return c.json({ tokens: page.map(toTokenDocument), ...(next ? { next } : {}) })
  },
})
