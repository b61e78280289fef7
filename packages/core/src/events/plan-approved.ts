import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, reason } from './fields.ts'

export const planApproved = defineEvent({
  type: 'v1.plan.approved',
  subject: 'plan',
  meaning: 'A person approved a plan as it stands under its digest.',
  payload: z.strictObject({
    planDigest: digest,
    reason: reason.optional(),
  }),
})
