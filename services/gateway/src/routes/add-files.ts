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
import { ndjsonType } from '../http/ndjson-answer.ts'
import { answerAt } from '../http/with-position.ts'
import { requireOpen } from '../registry/package-head.ts'
import { defineRoute } from '../route.ts'
import { answerTar, tarType } from '../tar/answer-tar.ts'
import { fileDocument, toFileDocument } from './file-document.ts'
import { packageIdParam } from './parameters.ts'
import { uploadProblems } from './upload-headers.ts'

const addition = z.strictObject({
  path: z.string(),
  digest: z.string().transform(text => parseAnyDigest(text)),
  mediaType: z
    .string()
    .default(defaultMediaType)
    .transform(text => parseMediaType(text)),
})

/** One file's result. */
const fileResult = z.object({
  path: z.string(),
  status: z.int(),
  file: fileDocument.optional(),
  problem: z.looseObject({}).optional(),
})

/** The last line of the answer to a tar stream. */
const lastLine = z.object({
  done: z.literal(true),
  files: z.int(),
  added: z.int(),
  unchanged: z.int(),
  refused: z.int(),
  position: z.int().optional(),
  problem: z.looseObject({}).optional(),
})

export const addFilesRoute = defineRoute({
  method: 'post',
  path: '/v1/packages/{id}/files',
  id: 'addFiles',
  summary: 'Add many files: by the digests of bytes that are stored already, or as a tar stream',
  description:
    'Each file has a result of its own; one that is refused does not keep the others out. As JSON no bytes travel. A tar stream (ustar, pax, GNU long names) is ' +
    'taken as it comes, and answered with a line of JSON for each file, in the order of the archive, while it still arrives: read the answer while you send. A file whose line ' +
    'was sent is in the package; the last line has `done`, without which the answer is not complete. Of files without a line some may be in: send the stream again, and the same bytes ' +
    'are answered 200. Directories are passed over; links and devices are refused. The pax keywords `ARTIFACTSTORE.blake3`, `ARTIFACTSTORE.sha256` (as `blake3:…`, `sha256:…`) ' +
    'and `ARTIFACTSTORE.media-type` say what a file must be and is served as.',
  scope: 'write',
  params: z.object({ id: packageIdParam }),
  body: {
    kind: 'json',
    schema: z.strictObject({ files: z.array(addition).min(1).max(1000) }).optional(),
    or: { mediaType: tarType, description: 'The files, with their bytes' },
  },
  answers: {
    200: {
      description: 'A result for each file, in the order asked',
      schema: z.object({ results: z.array(fileResult) }),
      or: { mediaType: ndjsonType, schema: z.union([fileResult, lastLine]) },
    },
  },
  problems: ['package-not-found', 'package-sealed', ...uploadProblems],
  async handle({ c, gateway, caller, params, body, signal }) {
    await requireOpen(gateway, params.id)
    if (body === undefined) return answerTar(c, gateway, { id: params.id, actor: caller.actor, signal })
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
