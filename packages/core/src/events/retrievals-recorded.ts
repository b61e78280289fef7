import { z } from 'zod'
import { defineEvent } from './define.ts'
import { actor, digest, packageId, path, size, timestamp } from './fields.ts'

export const retrievalsRecorded = defineEvent({
  type: 'v1.retrievals.recorded',
  subject: 'retrievals',
  meaning: 'Bytes were asked for and allowed, by whom and when; recorded before the first byte left.',
  payload: z.strictObject({
    retrievals: z
      .array(
        z.strictObject({
          at: timestamp,
          actor,
          digest,
          packageId: packageId.optional(),
          path: path.optional(),
          /** Where the bytes begin in the blob, and how many they are. */
          offset: size,
          length: size,
        }),
      )
      .min(1)
      .max(1000),
  }),
})
