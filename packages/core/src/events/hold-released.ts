import { z } from 'zod'
import { defineEvent } from './define.ts'
import { packageId, reason } from './fields.ts'

export const holdReleased = defineEvent({
  type: 'v1.hold.released',
  subject: 'hold',
  meaning: 'A hold ended; other holds on the package stay.',
  payload: z.strictObject({
    packageId,
    reason,
  }),
})
