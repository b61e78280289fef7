import { z } from 'zod'
import { defineEvent } from './define.ts'
import { packageId, reason } from './fields.ts'

export const aliasRemoved = defineEvent({
  type: 'v1.alias.removed',
  subject: 'alias',
  meaning: 'A name points at nothing any more.',
  payload: z.strictObject({
    previousPackageId: packageId,
    reason: reason.optional(),
  }),
})
