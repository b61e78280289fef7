import { z } from 'zod'
import { defineEvent } from './define.ts'
import { count, digest, sha256, size } from './fields.ts'

export const packageFinalized = defineEvent({
  type: 'v1.package.finalized',
  subject: 'package',
  meaning: 'The package was sealed for good under the digest of its manifest.',
  payload: z.strictObject({
    manifestDigest: digest,
    manifestSha256: sha256,
    manifestSize: size,
    configDigest: digest,
    configSha256: sha256,
    configSize: size,
    fileCount: count,
    totalSize: size,
  }),
})
