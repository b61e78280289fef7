import { makeEvent } from '@artifact-store/core'
import { findToken } from '@artifact-store/views'
import type { GatewayContext } from '../context.ts'
import { decideAndAppend } from './decide-and-append.ts'
import { tokenOf } from './token.ts'

/** Makes the first admin token valid, once. A token that was revoked stays revoked. */
export async function ensureBootstrapToken(gateway: GatewayContext, secret: string): Promise<'issued' | 'known' | 'revoked'> {
  const { id, secretDigest } = tokenOf(secret)
  const { answer, position } = await decideAndAppend<'issued' | 'known' | 'revoked'>(gateway, async () => {
    const row = await findToken(gateway.views, id)
    if (row) return { answer: row.revokedAt ? 'revoked' : 'known' }
    const event = makeEvent({
      type: 'v1.token.issued',
      subjectId: id,
      actor: 'system:bootstrap',
      payload: { secretDigest, actor: 'admin', scopes: ['admin'], description: 'The first admin token' },
    })
    return { answer: 'issued', append: { events: [event], conditions: [{ subject: { kind: 'token', id }, revision: 0 }] } }
  })
  if (position !== undefined) await gateway.follower.reached(position)
  return answer
}
