import { z } from 'zod'
import { defineEvent } from './define.ts'
import { packageId } from './fields.ts'

export const aliasSet = defineEvent({
  type: 'v1.alias.set',
  subject: 'alias',
  meaning: 'A name was pointed at a package.',
  payload: z.strictObject({
    packageId,
    /** What it pointed at before. */
    previousPackageId: packageId.optional(),
  }),
})
