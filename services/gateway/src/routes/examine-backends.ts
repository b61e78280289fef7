import { defineRoute } from '../route.ts'
import { backendsDocument, toBackendsDocument } from './backend-document.ts'

export const examineBackendsRoute = defineRoute({
  method: 'post',
  path: '/v1/backends/examine',
  id: 'examineBackends',
  summary: 'Have the capabilities of the backends tried again',
  description:
    'Writes, reads and removes a few small objects of its own. This gateway takes what is found into account from then on; each gateway examines for itself when it starts.',
  scope: 'admin',
  answers: { 200: { description: 'The backends, and what was found', schema: backendsDocument } },
  problems: ['backend-unavailable', 'storage-full'],
  async handle({ c, gateway, signal }) {
    await gateway.blobs.examine({ signal })
    return c.json(toBackendsDocument(gateway.stores))
  },
})
