import { z } from 'zod'
import { defineEvent } from './define.ts'
import { line, packageId, reason } from './fields.ts'

export const holdPlaced = defineEvent({
  type: 'v1.hold.placed',
  subject: 'hold',
  meaning: 'A person forbade to delete a package until the hold is released.',
  payload: z.strictObject({
    packageId,
    reason,
    /** Who answers for it. */
    person: line(200),
  }),
})
