import { z } from 'zod'
import { defineEvent } from './define.ts'
import { digest, mediaType, sha256, size, uri } from './fields.ts'

export const attestationAttached = defineEvent({
  type: 'v1.attestation.attached',
  subject: 'package',
  meaning: 'A signed statement about the package was stored beside it.',
  payload: z.strictObject({
    digest,
    sha256,
    size,
    mediaType,
    /** The in-toto predicate type. */
    predicateType: uri,
  }),
})
