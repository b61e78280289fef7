import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, sha256, size } from './fields.ts'

export const blobStored = defineEvent({
  type: 'v1.blob.stored',
  subject: 'blob',
  meaning: 'Bytes are durably stored under their digest.',
  payload: z.strictObject({
    digest,
    sha256,
    size,
  }),
})
