import { z } from 'zod'
import { defineEvent } from './define.ts'
import { count, digest, size } from './fields.ts'

export const planExecuted = defineEvent({
  type: 'v1.plan.executed',
  subject: 'plan',
  meaning: 'A plan was carried out, as far as it still held for each item.',
  payload: z.strictObject({
    planDigest: digest,
    deletedPackages: count,
    trashedBlobs: count,
    /** Items that a hold, a new reference or a new rule kept. */
    keptItems: count,
    totalSize: size,
  }),
})
