import { ArtifactError, isBlake3 } from '@artifact-store/core'
import { findFile } from '@artifact-store/views'
import { z } from 'zod'
import { receiveBody } from '../http/receive-body.ts'
import { withPosition } from '../http/with-position.ts'
import { requireOpen } from '../registry/package-head.ts'
import { storeBytes } from '../registry/store-blob.ts'
import { defineRoute } from '../route.ts'
import { fileDocument, toFileDocument } from './file-document.ts'
import { packageIdParam, pathParam } from './parameters.ts'
import { uploadHeaders, uploadProblems } from './upload-headers.ts'

export const putFileRoute = defineRoute({
  method: 'put',
  path: '/v1/packages/{id}/files/{path}',
  id: 'putFile',
  summary: 'Add a file to an open package',
  description: 'The same bytes again answer 200, other bytes at the same path 409. Nothing half-sent is ever kept.',
  scope: 'write',
  params: z.object({ id: packageIdParam, path: pathParam }),
  headers: uploadHeaders,
  body: { kind: 'bytes', description: 'The bytes of the file' },
  answers: {
    201: { description: 'The file was added', schema: fileDocument },
    200: { description: 'The file was there, with these bytes', schema: fileDocument },
  },
  problems: ['package-not-found', 'package-sealed', 'invalid-path', 'path-taken', 'path-conflict', ...uploadProblems],
  async handle({ c, gateway, caller, params, signal }) {
    const body = receiveBody(c)
    // Looked at before the bytes are asked for, so that what must be refused costs none. It is decided again, under the log's
    // lock, when they are there.
    await requireOpen(gateway, params.id)
    const present = await findFile(gateway.views, params.id, params.path)
    const declared = present && body.expect.find(digest => digest !== (isBlake3(digest) ? present.digest : present.sha256))
    if (present && declared) {
      throw new ArtifactError(
        'path-taken',
        `"${params.path}" is in the package with other bytes: remove it first, or use another path`,
        {
          details: { path: params.path, digest: present.digest },
        },
      )
    }

    const content = await storeBytes(gateway, { bytes: body.open(), size: body.size, expect: body.expect, signal })
    const { outcome, file, position } = await gateway.packageFiles.add(
      params.id,
      { path: params.path, ...content, mediaType: body.mediaType },
      caller.actor,
    )
    withPosition(c, position)
    c.header('location', c.req.path)
    return c.json(toFileDocument(file), outcome === 'added' ? 201 : 200)
  },
})
