import { decideDiscard, makeEvent } from '@artifact-store/core'
import { z } from 'zod'
import { answerBehind } from '../http/with-position.ts'
import { decideAndAppend } from '../registry/decide-and-append.ts'
import { packageHead } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { loadPackageDocument, packageDocument } from './package-document.ts'
import { packageIdParam } from './parameters.ts'

export const discardPackageRoute = defineRoute({
  method: 'post',
  path: '/v1/packages/{id}/discard',
  id: 'discardPackage',
  summary: 'Discard an open package: it will never be finalized',
  scope: 'write',
  params: z.object({ id: packageIdParam }),
  body: { kind: 'json', optional: true, schema: z.strictObject({ reason: z.string().max(1000).optional() }) },
  answers: { 200: { description: 'The package is discarded', schema: packageDocument } },
  problems: ['package-not-found', 'package-sealed', 'log-unavailable', 'overloaded', 'views-behind'],
  async handle({ c, gateway, caller, params, body }) {
    const { position } = await decideAndAppend(gateway, async () => {
      const head = await packageHead(gateway, params.id)
      const decision = decideDiscard(head, body.reason)
      if (decision.outcome === 'already') return { answer: undefined }
      const event = makeEvent({
        type: 'v1.package.discarded',
        subjectId: params.id,
        actor: caller.actor,
        payload: decision.payload,
      })
      return {
        answer: undefined,
        append: { events: [event], conditions: [{ subject: { kind: 'package', id: params.id }, revision: head.revision }] },
      }
    })
    await answerBehind(c, gateway.follower, position)
    return c.json(await loadPackageDocument(gateway, params.id))
  },
})
