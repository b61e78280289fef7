import { z } from 'zod'
import { defineEvent } from './define.ts'
import { reason, timestamp } from './fields.ts'

export const retentionExtended = defineEvent({
  type: 'v1.retention.extended',
  subject: 'package',
  meaning: 'The package is kept longer than before.',
  payload: z.strictObject({
    expiresAt: timestamp,
    reason,
  }),
})
