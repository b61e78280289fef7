import { discardViewTask } from '@artifact-store/views'
import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { viewTaskIdParam } from './parameters.ts'

export const discardViewTaskRoute = defineRoute({
  method: 'delete',
  path: '/v1/admin/views/tasks/{id}',
  id: 'discardViewTask',
  summary: 'Give a task on the views up',
  description: 'One that has ended stays as it is. The live views stay as they are in any case.',
  scope: 'admin',
  params: z.object({ id: viewTaskIdParam }),
  answers: { 204: { description: 'It is not under way, or not any more' } },
  problems: [],
  async handle({ c, gateway, params }) {
    await discardViewTask(gateway.database, params.id)
    return c.body(null, 204)
  },
})
