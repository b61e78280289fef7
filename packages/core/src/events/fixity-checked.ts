import { z } from 'zod'
import { defineEvent } from './define.ts'
import { line, size } from './fields.ts'

export const fixityChecked = defineEvent({
  type: 'v1.fixity.checked',
  subject: 'blob',
  meaning: 'The stored bytes were read again and have their digest.',
  payload: z.strictObject({
    size,
    /** Which backend they were read from. */
    backend: line(200),
  }),
})
