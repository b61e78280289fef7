import { ArtifactError } from '@artifact-store/core'
import { findViewTask, requestViewTask } from '@artifact-store/views'
import { z } from 'zod'
import { setHeader } from '../http/set-header.ts'
import { defineRoute } from '../route.ts'
import { toViewTaskDocument, viewTaskDocument } from './view-task-document.ts'

export const createViewTaskRoute = defineRoute({
  method: 'post',
  path: '/v1/admin/views/tasks',
  id: 'createViewTask',
  summary: 'Have the views rebuilt or verified',
  description:
    'A projector takes it up within seconds. A rebuild makes the views anew from the log beside the live ones and puts them into their place; the old ones are kept ' +
    'until `DELETE /v1/admin/views/previous`. A verification compares the live views with a fresh replay at the same position, row by row. Reads and writes go on meanwhile. ' +
    'There is one task at a time.',
  scope: 'admin',
  body: { kind: 'json', schema: z.strictObject({ kind: z.enum(['rebuild', 'verification']) }) },
  answers: {
    202: {
      description: 'It will be done; ask at `Location` how far it is',
      schema: viewTaskDocument,
      headers: { Location: 'Where the task is' },
    },
  },
  problems: ['views-busy'],
  async handle({ c, gateway, caller, body }) {
    const id = await requestViewTask(gateway.database, body.kind, caller.actor)
    const task = await findViewTask(gateway.database, id)
    if (!task) throw new ArtifactError('internal', `task ${id} is gone as soon as it was made`)
    setHeader(c, 'location', `/v1/admin/views/tasks/${id}`)
    return c.json(toViewTaskDocument(task), 202)
  },
})
