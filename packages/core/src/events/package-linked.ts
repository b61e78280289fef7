import { z } from 'zod'
import { defineEvent } from './define.ts'
import { uri } from './fields.ts'

export const packageLinked = defineEvent({
  type: 'v1.package.linked',
  subject: 'package',
  meaning: 'The package was said to stand in a relation to something else.',
  payload: z.strictObject({
    /** `derived-from`, `supersedes`, `attests`: lower-case words joined by "-". */
    relation: z
      .string()
      .max(64)
      .regex(/^[a-z]+(?:-[a-z]+)*$/),
    target: uri,
  }),
})
