import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, position, timestamp } from './fields.ts'

export const blobTrashed = defineEvent({
  type: 'v1.blob.trashed',
  subject: 'blob',
  meaning: 'The blob was moved to the trash, from where it can come back.',
  payload: z.strictObject({
    /** The log position at which it still had no reference. */
    asOf: position,
    /** Not purged before. */
    keptUntil: timestamp,
    planDigest: digest.optional(),
  }),
})
