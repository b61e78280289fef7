import { makeEvent } from '@artifact-store/core'
import { z } from 'zod'
import { setHeader } from '../http/set-header.ts'
import { answerAt } from '../http/with-position.ts'
import { decideAndAppend } from '../registry/decide-and-append.ts'
import { newTokenSecret, tokenOf } from '../registry/token.ts'
import { defineRoute } from '../route.ts'
import { tokenDocument } from './token-document.ts'

export const issueTokenRoute = defineRoute({
  method: 'post',
  path: '/v1/tokens',
  id: 'issueToken',
  summary: 'Issue a token',
  description: 'The secret is in this answer and nowhere else: only its digest is stored.',
  scope: 'admin',
  body: {
    kind: 'json',
    schema: z.strictObject({
      actor: z.string().min(1).max(200).describe('Who the token speaks for; events name it'),
      scopes: z
        .array(z.enum(['read', 'write', 'admin']))
        .min(1)
        .max(3),
      description: z.string().max(500).optional(),
      expiresAt: z.iso.datetime().optional().describe('When it ends to count'),
    }),
  },
  answers: { 201: { description: 'The token and its secret', schema: tokenDocument.extend({ token: z.string() }) } },
  problems: ['log-unavailable', 'overloaded', 'views-behind'],
  async handle({ c, gateway, caller, body }) {
    const token = newTokenSecret()
    const { id, secretDigest } = tokenOf(token)
    const scopes = [...new Set(body.scopes)]
    // Events know times in whole milliseconds.
    const expiresAt = body.expiresAt === undefined ? {} : { expiresAt: new Date(body.expiresAt).toISOString() }
    const description = body.description === undefined ? {} : { description: body.description }
    const payload = { secretDigest, actor: body.actor, scopes, ...description, ...expiresAt }
    const { position } = await decideAndAppend(gateway, async () => ({
      answer: undefined,
      append: {
        events: [makeEvent({ type: 'v1.token.issued', subjectId: id, actor: caller.actor, payload })],
        conditions: [{ subject: { kind: 'token', id }, revision: 0 }],
      },
    }))
    await answerAt(c, gateway.follower, position)
    setHeader(c, 'cache-control', 'no-store')
    setHeader(c, 'location', `/v1/tokens/${id}`)
    return c.json(
      {
        id,
        token,
        actor: body.actor,
        scopes,
        ...description,
        issuedAt: new Date().toISOString(),
        issuedBy: caller.actor,
        ...expiresAt,
      },
      201,
    )
  },
})
