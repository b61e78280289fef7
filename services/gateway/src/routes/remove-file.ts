import { decideRemoveFile, makeEvent } from '@artifact-store/core'
import { findFiles } from '@artifact-store/views'
import { z } from 'zod'
import { answerAt } from '../http/with-position.ts'
import { decideAndAppend } from '../registry/decide-and-append.ts'
import { packageHead } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { packageIdParam, pathParam } from './parameters.ts'

export const removeFileRoute = defineRoute({
  method: 'delete',
  path: '/v1/packages/{id}/files/{path}',
  id: 'removeFile',
  summary: 'Take a file out of an open package',
  scope: 'write',
  params: z.object({ id: packageIdParam, path: pathParam }),
  answers: { 204: { description: 'The file is no longer in the package' } },
  problems: [
    'package-not-found',
    'package-sealed',
    'file-not-found',
    'invalid-path',
    'log-unavailable',
    'overloaded',
    'views-behind',
  ],
  async handle({ c, gateway, caller, params }) {
    const { position } = await decideAndAppend(gateway, async () => {
      const head = await packageHead(gateway, params.id)
      const [file] = await findFiles(gateway.views, params.id, [params.path])
      const payload = decideRemoveFile(head, params.path, file)
      const event = makeEvent({ type: 'v1.package.file-removed', subjectId: params.id, actor: caller.actor, payload })
      return {
        answer: undefined,
        append: { events: [event], conditions: [{ subject: { kind: 'package', id: params.id }, revision: head.revision }] },
      }
    })
    await answerAt(c, gateway.follower, position)
    return c.body(null, 204)
  },
})
