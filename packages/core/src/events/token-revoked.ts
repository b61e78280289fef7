import { z } from 'zod'
import { defineEvent } from './define.ts'
import { reason } from './fields.ts'

export const tokenRevoked = defineEvent({
  type: 'v1.token.revoked',
  subject: 'token',
  meaning: 'The token is not good any more.',
  payload: z.strictObject({
    reason: reason.optional(),
  }),
})
