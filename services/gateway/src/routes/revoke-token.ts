import { ArtifactError, makeEvent } from '@artifact-store/core'
import { findToken } from '@artifact-store/views'
import { z } from 'zod'
import { answerAt } from '../http/with-position.ts'
import { decideAndAppend } from '../registry/decide-and-append.ts'
import { defineRoute } from '../route.ts'
import { tokenIdParam } from './parameters.ts'

export const revokeTokenRoute = defineRoute({
  method: 'delete',
  path: '/v1/tokens/{id}',
  id: 'revokeToken',
  summary: 'Revoke a token: it counts no more, from the answer on',
  scope: 'admin',
  params: z.object({ id: tokenIdParam }),
  answers: { 204: { description: 'The token is revoked' } },
  problems: ['token-not-found', 'log-unavailable', 'overloaded', 'views-behind'],
  async handle({ c, gateway, caller, params }) {
    const { position } = await decideAndAppend(gateway, async () => {
      const row = await findToken(gateway.views, params.id)
      if (!row)
        throw new ArtifactError('token-not-found', `there is no token ${params.id}: GET /v1/tokens lists those that there are`)
      if (row.revokedAt) return { answer: undefined }
      const event = makeEvent({ type: 'v1.token.revoked', subjectId: params.id, actor: caller.actor, payload: {} })
      return {
        answer: undefined,
        append: { events: [event], conditions: [{ subject: { kind: 'token', id: params.id }, revision: row.revision }] },
      }
    })
    await answerAt(c, gateway.follower, position)
    return c.body(null, 204)
  },
})
