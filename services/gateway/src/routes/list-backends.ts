import { defineRoute } from '../route.ts'
import { backendsDocument, toBackendsDocument } from './backend-document.ts'

export const listBackendsRoute = defineRoute({
  method: 'get',
  path: '/v1/backends',
  id: 'listBackends',
  summary: 'Where the bytes are, and what was found about these places',
  description: 'As this gateway knows it; nothing is asked of the backends for it.',
  scope: 'admin',
  answers: { 200: { description: 'The backends', schema: backendsDocument } },
  problems: [],
  async handle({ c, gateway }) {
    return c.json(toBackendsDocument(gateway.stores))
  },
})
