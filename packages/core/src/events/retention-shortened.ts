import { z } from 'zod'
import { defineEvent } from './define.ts'
import { reason, timestamp } from './fields.ts'

export const retentionShortened = defineEvent({
  type: 'v1.retention.shortened',
  subject: 'package',
  meaning: 'The package may go earlier than before.',
  payload: z.strictObject({
    expiresAt: timestamp,
    reason,
  }),
})
