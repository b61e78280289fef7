import { dropPreviousViews } from '@artifact-store/views'
import { defineRoute } from '../route.ts'

export const removePreviousViewsRoute = defineRoute({
  method: 'delete',
  path: '/v1/admin/views/previous',
  id: 'removePreviousViews',
  summary: 'Drop the views that were live before the last rebuild',
  scope: 'admin',
  answers: { 204: { description: 'None are kept' } },
  problems: ['views-busy'],
  async handle({ c, gateway }) {
    await dropPreviousViews(gateway.database)
    return c.body(null, 204)
  },
})
