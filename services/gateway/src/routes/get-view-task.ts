import { ArtifactError } from '@artifact-store/core'
import { findViewTask } from '@artifact-store/views'
import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { viewTaskIdParam } from './parameters.ts'
import { toViewTaskDocument, viewTaskWithResult } from './view-task-document.ts'

export const getViewTaskRoute = defineRoute({
  method: 'get',
  path: '/v1/admin/views/tasks/{id}',
  id: 'getViewTask',
  summary: 'How a task on the views stands, and what a verification found',
  scope: 'admin',
  params: z.object({ id: viewTaskIdParam }),
  answers: { 200: { description: 'The task', schema: viewTaskWithResult } },
  problems: ['route-not-found'],
  async handle({ c, gateway, params }) {
    const task = await findViewTask(gateway.database, params.id)
    if (!task) throw new ArtifactError('route-not-found', `there is no task ${params.id}: GET /v1/admin/views lists the newest`)
    return c.json({ ...toViewTaskDocument(task), ...(task.result === null ? {} : { result: task.result }) })
  },
})
