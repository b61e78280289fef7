import { z } from 'zod'
import { defineEvent } from './define.ts'
import { retentionClass, timestamp } from './fields.ts'

export const retentionAssigned = defineEvent({
  type: 'v1.retention.assigned',
  subject: 'package',
  meaning: 'The package belongs to a retention class from now on.',
  payload: z.strictObject({
    retentionClass,
    /** Absent: kept until a rule says otherwise. */
    expiresAt: timestamp.optional(),
  }),
})
