import { z } from 'zod'
import { defineEvent } from './define.ts'
import { reason } from './fields.ts'

export const packageDiscarded = defineEvent({
  type: 'v1.package.discarded',
  subject: 'package',
  meaning: 'An open package was given up: it will never be finalized.',
  payload: z.strictObject({
    reason: reason.optional(),
  }),
})
