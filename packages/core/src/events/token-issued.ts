import { z } from 'zod'
import { defineEvent } from './define.ts'
import { actor, digest, line, timestamp } from './fields.ts'

export const tokenIssued = defineEvent({
  type: 'v1.token.issued',
  subject: 'token',
  meaning: 'A bearer token was issued; only the digest of its secret is kept.',
  payload: z.strictObject({
    /** BLAKE3 of the secret. */
    secretDigest: digest,
    /** In whose name it acts. */
    actor,
    scopes: z
      .array(z.enum(['read', 'write', 'admin']))
      .min(1)
      .max(3),
    description: line(500).optional(),
    expiresAt: timestamp.optional(),
  }),
})
