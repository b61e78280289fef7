import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, mediaType, path, sha256, size } from './fields.ts'

export const packageFilesAdded = defineEvent({
  type: 'v1.package.files-added',
  subject: 'package',
  meaning: 'Files whose bytes are durably stored were added to an open package.',
  payload: z.strictObject({
    files: z.array(z.strictObject({ path, digest, sha256, size, mediaType })).min(1).max(1000),
  }),
})
