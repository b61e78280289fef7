import { z } from 'zod'
import { defineEvent } from './define.ts'
import { count, digest, position, size } from './fields.ts'

export const planCreated = defineEvent({
  type: 'v1.plan.created',
  subject: 'plan',
  meaning: 'A plan pinned a log position and a policy and listed what would go, and by which rule.',
  payload: z.strictObject({
    /** BLAKE3 of the plan, which is stored as a blob. */
    planDigest: digest,
    planSize: size,
    position,
    policyDigest: digest,
    packageCount: count,
    blobCount: count,
    totalSize: size,
  }),
})
