import { z } from 'zod'
import { defineEvent } from './define.ts'
import { line } from './fields.ts'

export const fixityRepaired = defineEvent({
  type: 'v1.fixity.repaired',
  subject: 'blob',
  meaning: 'Bytes that were missing or damaged were replaced by good ones.',
  payload: z.strictObject({
    backend: line(200),
    /** Where the good bytes came from: an upload, another backend. */
    source: line(200),
  }),
})
