import {
  ArtifactError,
  defaultMediaType,
  isArtifactError,
  type PackageId,
  parseAnyDigest,
  parseArtifactPath,
  parseMediaType,
} from '@artifact-store/core'
import { problemOf } from '@artifact-store/service'
import { type BlobRow, findBlobs } from '@artifact-store/views'
import { z } from 'zod'
import type { GatewayContext } from '../context.ts'
import { answerAt } from '../http/with-position.ts'
import { requireOpen } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { fileDocument, toFileDocument } from './file-document.ts'
import { packageIdParam } from './parameters.ts'

const addition = z.strictObject({
  path: z.string(),
  digest: z.string().transform(text => parseAnyDigest(text)),
  mediaType: z
    .string()
    .default(defaultMediaType)
    .transform(text => parseMediaType(text)),
})

export const addFilesRoute = defineRoute({
  method: 'post',
  path: '/v1/packages/{id}/files',
  id: 'addFiles',
  summary: 'Add files by the digests of bytes that are stored already',
  description: 'No bytes travel. Each file has a result of its own; one that is refused does not keep the others out.',
  scope: 'write',
  params: z.object({ id: packageIdParam }),
  body: { kind: 'json', schema: z.strictObject({ files: z.array(addition).min(1).max(1000) }) },
  answers: {
    200: {
      description: 'A result for each file, in the order asked',
      schema: z.object({
        results: z.array(
          z.object({ path: z.string(), status: z.int(), file: fileDocument.optional(), problem: z.looseObject({}).optional() }),
        ),
      }),
    },
  },
  problems: ['package-not-found', 'package-sealed', 'log-unavailable', 'overloaded', 'views-behind'],
  async handle({ c, gateway, caller, params, body }) {
    await requireOpen(gateway, params.id)
    const blobs = new Map<string, BlobRow>()
    for (const blob of await findBlobs(
      gateway.views,
      body.files.map(file => file.digest),
    )) {
      // Damaged bytes are as good as none: the client shall send them, and so heal them.
      if (blob.state === 'stored' && blob.fixity !== 'failed') blobs.set(blob.digest, blob).set(blob.sha256, blob)
    }
    const added = await Promise.all(
      body.files.map(file => addOne(gateway, params.id, file, blobs.get(file.digest), caller.actor)),
    )
    const positions = added.map(({ position }) => position).filter(position => position !== undefined)
    await answerAt(c, gateway.follower, positions.length === 0 ? undefined : Math.max(...positions))
    return c.json({ results: added.map(({ result }) => result) })
  },
})

async function addOne(
  gateway: GatewayContext,
  id: PackageId,
  asked: z.output<typeof addition>,
  blob: BlobRow | undefined,
  actor: string,
) {
  try {
    const path = parseArtifactPath(asked.path)
    if (!blob)
      throw new ArtifactError('blob-not-found', `no bytes with the digest ${asked.digest} are stored here: upload the file`)
    const { digest, sha256, size } = blob
    const { outcome, file, position } = await gateway.packageFiles.add(
      id,
      { path, digest, sha256, size, mediaType: asked.mediaType },
      actor,
      { known: true },
    )
    return { position, result: { path: asked.path, status: outcome === 'added' ? 201 : 200, file: toFileDocument(file) } }
  } catch (error) {
    if (!isArtifactError(error)) throw error
    const problem = problemOf(error)
    return { position: undefined, result: { path: asked.path, status: problem.status, problem } }
  }
}
