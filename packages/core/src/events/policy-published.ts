import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest } from './fields.ts'

export const policyPublished = defineEvent({
  type: 'v1.policy.published',
  subject: 'policy',
  meaning: 'A version of a retention policy took effect.',
  payload: z.strictObject({
    /** Gapless from 1 for each policy. */
    version: z.int().min(1),
    /** BLAKE3 of the RFC 8785 form of `rules`. */
    policyDigest: digest,
    rules: z.array(z.json()).max(1000),
  }),
})
