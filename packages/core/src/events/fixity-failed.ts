import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, line, size } from './fields.ts'

export const fixityFailed = defineEvent({
  type: 'v1.fixity.failed',
  subject: 'blob',
  meaning: 'The stored bytes are missing or do not have their digest any more.',
  payload: z.strictObject({
    backend: line(200),
    finding: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('missing') }),
      z.strictObject({ kind: z.literal('unreadable'), error: line(500) }),
      z.strictObject({ kind: z.literal('different'), actualDigest: digest, actualSize: size }),
    ]),
  }),
})
