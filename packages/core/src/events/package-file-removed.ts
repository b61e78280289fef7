import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, path, size } from './fields.ts'

export const packageFileRemoved = defineEvent({
  type: 'v1.package.file-removed',
  subject: 'package',
  meaning: 'A file was taken out of an open package.',
  payload: z.strictObject({
    path,
    /** Of the file that was there: a reader that keeps sums need not look it up. */
    digest,
    size,
  }),
})
