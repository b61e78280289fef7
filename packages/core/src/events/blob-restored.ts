import { z } from 'zod'
import { defineEvent } from './define.ts'
import { reason } from './fields.ts'

export const blobRestored = defineEvent({
  type: 'v1.blob.restored',
  subject: 'blob',
  meaning: 'The blob came back from the trash.',
  payload: z.strictObject({
    reason,
  }),
})
