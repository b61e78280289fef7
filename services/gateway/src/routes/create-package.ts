import { parseAnyDigest } from '@artifact-store/core'
import { z } from 'zod'
import { setHeader } from '../http/set-header.ts'
import { answerBehind } from '../http/with-position.ts'
import { createPackage } from '../registry/create-package.ts'
import { defineRoute } from '../route.ts'
import { loadPackageDocument, packageDocument } from './package-document.ts'

export const createPackageRoute = defineRoute({
  method: 'post',
  path: '/v1/packages',
  id: 'createPackage',
  summary: 'Open a package',
  description:
    'Files are added to it while it is open. With an `Idempotency-Key`, a repeat of the request answers the package that the first one made.',
  scope: 'write',
  headers: {
    'Idempotency-Key':
      'Any text of 1 to 100 characters that tells this request from others; it is remembered for a week at least',
  },
  body: {
    kind: 'json',
    schema: z.strictObject({
      name: z.string().describe('A repository name as OCI has it, e.g. `ci/nightly`'),
      version: z.string().optional().describe('A tag as OCI has it, e.g. `2026-11-23`'),
      kind: z.string().describe('What it is: `evidence`, `logs`, `release` …'),
      producer: z.string().optional().describe('What made it: a job, a tool, a person'),
      labels: z.record(z.string(), z.string()).default({}),
      inputs: z
        .array(
          z.strictObject({
            uri: z.string(),
            digest: z
              .string()
              .transform(text => parseAnyDigest(text))
              .optional(),
          }),
        )
        .default([])
        .describe('What it was made from'),
      retentionClass: z.string().default('default').describe('The class by which a policy decides how long it is kept'),
    }),
  },
  answers: { 201: { description: 'The package, open', schema: packageDocument, headers: { Location: 'Its address' } } },
  problems: ['idempotency-key-reused', 'log-unavailable', 'overloaded', 'views-behind'],
  async handle({ c, gateway, caller, body }) {
    const { answer: id, position } = await createPackage(gateway, caller, body, c.req.header('idempotency-key'))
    await answerBehind(c, gateway.follower, position)
    setHeader(c, 'location', `/v1/packages/${id}`)
    return c.json(await loadPackageDocument(gateway, id), 201)
  },
})
