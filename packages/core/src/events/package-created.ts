import { z } from 'zod'
import { defineEvent } from './define.ts'
import { anyDigest, labels, line, packageKind, packageName, packageVersion, retentionClass, uri } from './fields.ts'

export const packageCreated = defineEvent({
  type: 'v1.package.created',
  subject: 'package',
  meaning: 'A package was opened under a name; files may be added to it.',
  payload: z.strictObject({
    name: packageName,
    version: packageVersion.optional(),
    kind: packageKind,
    /** What made it: a CI job, a program and its version. */
    producer: line(500).optional(),
    labels,
    /** What it was made from. */
    inputs: z.array(z.strictObject({ uri, digest: anyDigest.optional() })).max(1000),
    retentionClass,
  }),
})
