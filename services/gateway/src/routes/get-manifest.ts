import { ArtifactError, parseDigest, parseSha256 } from '@artifact-store/core'
import { z } from 'zod'
import { sendBlob } from '../http/send-blob.ts'
import { requirePackage } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { bytesAnswers, bytesHeaders } from './bytes-answers.ts'
import { packageIdParam } from './parameters.ts'

export const getManifestRoute = defineRoute({
  method: 'get',
  path: '/v1/packages/{id}/manifest',
  id: 'getManifest',
  summary: 'Fetch the manifest of a finalized package',
  description: 'An OCI image manifest in RFC 8785 form: the very bytes whose digests finalizing answered.',
  scope: 'read',
  params: z.object({ id: packageIdParam }),
  headers: bytesHeaders,
  answers: bytesAnswers,
  problems: [
    'package-not-found',
    'package-not-finalized',
    'precondition-failed',
    'range-not-satisfiable',
    'blob-corrupt',
    'backend-unavailable',
  ],
  async handle({ c, gateway, params, signal }) {
    const row = await requirePackage(gateway, params.id)
    if (row.manifestDigest === null || row.manifestSha256 === null || row.manifestSize === null) {
      throw new ArtifactError(
        'package-not-finalized',
        `package ${params.id} is ${row.state} and has no manifest: finalize it first`,
        {
          details: { id: params.id, state: row.state },
        },
      )
    }
    const manifest = { digest: parseDigest(row.manifestDigest), sha256: parseSha256(row.manifestSha256), size: row.manifestSize }
    return sendBlob(c, gateway, { ...manifest, mediaType: 'application/vnd.oci.image.manifest.v1+json' }, signal)
  },
})
