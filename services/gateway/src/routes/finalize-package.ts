import { parseDigest } from '@artifact-store/core'
import { z } from 'zod'
import { answerAt } from '../http/with-position.ts'
import { finalizePackage } from '../registry/finalize-package.ts'
import { defineRoute } from '../route.ts'
import { packageIdParam } from './parameters.ts'

export const finalizePackageRoute = defineRoute({
  method: 'post',
  path: '/v1/packages/{id}/finalize',
  id: 'finalizePackage',
  summary: 'Finalize a package: it can never change again',
  description:
    'Writes the manifest and answers both its digests. Asked again, it answers the same; 409 when the manifest is not the one that was expected.',
  scope: 'write',
  params: z.object({ id: packageIdParam }),
  body: {
    kind: 'json',
    optional: true,
    schema: z.strictObject({
      expectedManifestDigest: z
        .string()
        .transform(text => parseDigest(text))
        .optional(),
    }),
  },
  answers: {
    200: {
      description: 'The package is finalized',
      schema: z.object({
        id: z.string(),
        state: z.literal('finalized'),
        manifestDigest: z.string(),
        manifestSha256: z.string(),
        manifestSize: z.int(),
        fileCount: z.int(),
        totalSize: z.int(),
      }),
    },
  },
  problems: [
    'package-not-found',
    'package-sealed',
    'manifest-mismatch',
    'storage-full',
    'backend-unavailable',
    'log-unavailable',
    'overloaded',
    'views-behind',
  ],
  async handle({ c, gateway, caller, params, body, signal }) {
    const { answer, position } = await finalizePackage(gateway, params.id, caller.actor, body.expectedManifestDigest, signal)
    await answerAt(c, gateway.follower, position)
    return c.json({ id: params.id, state: 'finalized', ...answer })
  },
})
