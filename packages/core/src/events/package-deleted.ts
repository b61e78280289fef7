import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, reason } from './fields.ts'

export const packageDeleted = defineEvent({
  type: 'v1.package.deleted',
  subject: 'package',
  meaning: 'A finalized package was deleted and left a tombstone; its bytes may go once nothing else needs them.',
  payload: z.strictObject({
    reason,
    /** The plan that listed it, where one did. */
    planDigest: digest.optional(),
  }),
})
