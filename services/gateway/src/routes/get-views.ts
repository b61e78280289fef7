import { listViewTasks, previousViewsPosition, viewsPosition } from '@artifact-store/views'
import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { toViewTaskDocument, viewTaskDocument } from './view-task-document.ts'

const tasksShown = 20

export const getViewsRoute = defineRoute({
  method: 'get',
  path: '/v1/admin/views',
  id: 'getViews',
  summary: 'How the views stand, and what was done with them',
  scope: 'admin',
  answers: {
    200: {
      description: 'The views',
      schema: z.object({
        position: z.int().describe('The last event that reads show'),
        head: z.int().describe('The last event of the log'),
        previous: z.int().optional().describe('The position of the views from before the last rebuild, while they are kept'),
        tasks: z.array(viewTaskDocument).describe(`The newest ${tasksShown}, newest first`),
      }),
    },
  },
  problems: [],
  async handle({ c, gateway }) {
    const { database } = gateway
    // The log, asked last, has all that the views show.
    const position = await viewsPosition(database)
    const tasks = await listViewTasks(database, tasksShown)
    const previous = await previousViewsPosition(database)
    const head = await gateway.read().head()
    return c.json({ position, head, ...(previous === undefined ? {} : { previous }), tasks: tasks.map(toViewTaskDocument) })
  },
})
