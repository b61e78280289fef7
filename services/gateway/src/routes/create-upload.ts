import { ArtifactError } from '@artifact-store/core'
import type { Completed, Upload } from '@artifact-store/uploads'
import type { GatewayContext } from '../context.ts'
import { parseReprDigest } from '../http/repr-digest.ts'
import { answerAt } from '../http/with-position.ts'
import { defineRoute } from '../route.ts'
import { bringsPiece, takePiece } from '../uploads/take-piece.ts'
import { requireTusVersion, tusHeaders } from '../uploads/tus-protocol.ts'
import { progressOf } from '../uploads/upload-answer.ts'
import { parseUploadMetadata } from '../uploads/upload-metadata.ts'
import { parseConcatenation, parseNewLength, uploadAddress } from '../uploads/upload-request.ts'
import { completionProblems } from './upload-headers.ts'

export const createUploadRoute = defineRoute({
  method: 'post',
  path: '/v1/uploads',
  id: 'createUpload',
  summary: 'Begin a resumable upload, or put one together of its parts',
  description:
    'tus: creation, creation-with-upload, concatenation. `Upload-Metadata` may name the file that the upload becomes when it is complete (`package`, `path`, ' +
    '`filetype`) and what it must turn out to be (`digest`: `blake3:<hex>` or `sha256:<hex>`). Without a package it becomes a blob, to be added to packages by its digest.',
  scope: 'write',
  headers: {
    ...tusHeaders,
    'Upload-Length': 'The size in bytes',
    'Upload-Defer-Length': '`1`: the size will be said later',
    'Upload-Metadata': 'Keys and base64 values, with commas between',
    'Upload-Concat': '`partial`, or `final;` and the addresses of the parts',
    'Upload-Checksum': 'Of a first piece: `sha1`, `sha256`, `sha512` or `blake3`, a space, and the digest in base64',
    'Repr-Digest': 'The digests that the whole must have (RFC 9530)',
  },
  body: { kind: 'bytes', description: 'The first piece, or nothing', optional: true },
  answers: {
    201: {
      description: 'It has begun, or is complete',
      headers: {
        Location: 'Its address',
        'Upload-Offset': 'How much of it is here',
        'Upload-Expires': 'When it ends if nobody goes on',
      },
    },
  },
  problems: [
    'precondition-failed',
    'upload-not-found',
    'upload-incomplete',
    'body-too-large',
    'checksum-mismatch',
    ...completionProblems,
  ],
  async handle({ c, gateway, caller: { actor }, signal }) {
    requireTusVersion(c)
    const metadata = c.req.header('upload-metadata') ?? ''
    const { target, mediaType, expected } = parseUploadMetadata(metadata)
    const expect = [...expected, ...parseReprDigest('Repr-Digest', c.req.header('repr-digest'))]
    // What must be refused is refused before a byte of it travels. It is decided again when all are there.
    if (target) await gateway.packageFiles.lookUp(target.packageId, target.path)

    const concatenation = parseConcatenation(c.req.header('upload-concat'))
    const described = { actor, metadata, expected: expect, mediaType, target }
    if (concatenation?.kind === 'final') {
      if (c.req.header('upload-length') !== undefined)
        throw new ArtifactError('invalid-request', 'what is put together of parts has their length: leave Upload-Length out')
      return created(await gateway.uploads.concatenate({ ...described, parts: concatenation.parts }))
    }
    const role = concatenation ? 'part' : 'whole'
    const upload = await gateway.uploads.begin({ ...described, kind: { role, length: parseNewLength(c) } })
    if (bringsPiece(c)) return created(await takePiece({ c, gateway, actor, signal }, upload.id, 0))
    if (upload.length === 0) return created(await completeEmpty(gateway, upload))
    return created({ upload, position: undefined })

    async function created({ upload: now, position }: Completed): Promise<Response> {
      await answerAt(c, gateway.follower, position)
      return c.body(null, 201, { ...progressOf(now), location: uploadAddress(now.id) })
    }
  },
})

/** Nobody sends a piece of nothing. */
function completeEmpty(gateway: GatewayContext, { id, actor }: Upload): Promise<Completed> {
  const { signal } = new AbortController()
  const open = async function* () {}
  return gateway.uploads.append(id, actor, { offset: 0, uploadLength: undefined, size: 0, checksum: undefined, open, signal })
}
