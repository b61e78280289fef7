import { z } from 'zod'
import { defineEvent } from './define.ts'
import { position } from './fields.ts'

export const blobUnreferenced = defineEvent({
  type: 'v1.blob.unreferenced',
  subject: 'blob',
  meaning: 'No package refers to the blob any more; its grace period begins.',
  payload: z.strictObject({
    /** The log position at which this was judged. */
    asOf: position,
  }),
})
