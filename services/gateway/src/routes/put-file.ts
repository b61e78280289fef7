import { smallBlobBytes } from '@artifact-store/blobs'
import { type ContentDigests, type FileEntry, isArtifactError, isBlake3, type PackageHead, pathTaken } from '@artifact-store/core'
import { z } from 'zod'
import type { GatewayContext } from '../context.ts'
import { receiveBody } from '../http/receive-body.ts'
import { sendJson } from '../http/send-json.ts'
import { setHeader } from '../http/set-header.ts'
import { answerAt } from '../http/with-position.ts'
import { storeBytes, type Upload } from '../registry/store-blob.ts'
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
    const body = receiveBody(c, { idleMs: gateway.bodyIdleMs, maxBytes: gateway.uploadLimits.maxBytes })
    // Looked at before the bytes are asked for, so that what must be refused costs none. It is decided again, under the log's
    // lock, when they are there.
    const { head, present } = await gateway.packageFiles.lookUp(params.id, params.path)
    const declared = body.expect.find(digest => present && digest !== (isBlake3(digest) ? present.digest : present.sha256))
    if (present && declared) throw pathTaken(head, present, declared)

    using arrival = body.size !== undefined && body.size <= smallBlobBytes ? gateway.packageFiles.announce(params.id) : undefined
    const upload = { bytes: body.openOrRead(), size: body.size, signal }
    const content = present
      ? await storeAgain(gateway, head, present, { ...upload, expect: body.expect })
      : await storeBytes(gateway, { ...upload, expect: body.expect })
    const added = { path: params.path, ...content, mediaType: body.mediaType }
    const { outcome, file, position } = await gateway.packageFiles.add(params.id, added, caller.actor, { arrival })
    await answerAt(c, gateway.follower, position)
    // Hono's own path is decoded, and a header holds no such text.
    setHeader(c, 'location', new URL(c.req.url).pathname)
    return sendJson(c, toFileDocument(file), outcome === 'added' ? 201 : 200)
  },
})

/** Where a file is already, only its own bytes are kept: they heal what may have been lost of them. */
async function storeAgain(
  gateway: GatewayContext,
  head: PackageHead,
  present: FileEntry,
  upload: Upload,
): Promise<ContentDigests> {
  try {
    return await storeBytes(gateway, { ...upload, expect: [present.digest] })
  } catch (error) {
    // A client that named the digest of what is here meant those bytes, and sent others.
    if (isArtifactError(error, 'digest-mismatch') && upload.expect.length === 0) throw pathTaken(head, present, undefined)
    throw error
  }
}
