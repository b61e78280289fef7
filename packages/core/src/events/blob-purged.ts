import { z } from 'zod'
import { defineEvent } from './define.ts'
import { position, size } from './fields.ts'

export const blobPurged = defineEvent({
  type: 'v1.blob.purged',
  subject: 'blob',
  meaning: 'The bytes of a trashed blob are about to be removed for good.',
  payload: z.strictObject({
    /** The log position at which it still had no reference. */
    asOf: position,
    size,
  }),
})
