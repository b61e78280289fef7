import { ArtifactError } from '@artifact-store/core'
import type { Upload } from '@artifact-store/uploads'
import { z } from 'zod'
import { formatReprDigest } from '../http/repr-digest.ts'
import { decodePairs } from './upload-metadata.ts'
import { uploadAddress } from './upload-request.ts'

/** An upload as the API shows it, beside what tus says in headers. */
export const uploadDocument = z.object({
  id: z.string(),
  state: z.enum(['receiving', 'received', 'completed', 'failed']),
  role: z.enum(['whole', 'part', 'final']),
  offset: z.int(),
  length: z.int().optional(),
  metadata: z.record(z.string(), z.string()),
  package: z.string().optional(),
  path: z.string().optional(),
  digest: z.string().optional(),
  sha256: z.string().optional(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

export function toUploadDocument(upload: Upload): z.infer<typeof uploadDocument> {
  const { id, phase, role, content, length, target, digests, createdAt, expiresAt } = upload
  return {
    id,
    state: phase,
    role,
    offset: content.size,
    length,
    metadata: Object.fromEntries(decodePairs(upload.metadata)),
    package: target?.packageId,
    path: target?.path,
    digest: digests?.digest,
    sha256: digests?.sha256,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }
}

/** How an upload stands, as tus says it in the answers to HEAD. */
export function uploadState(upload: Upload): Record<string, string> {
  const { role, length, metadata, parts } = upload
  return {
    ...progressOf(upload),
    ...(length === undefined ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': String(length) }),
    ...(metadata === '' ? {} : { 'Upload-Metadata': metadata }),
    ...(role === 'part' ? { 'Upload-Concat': 'partial' } : {}),
    ...(role === 'final' ? { 'Upload-Concat': `final;${parts.map(uploadAddress).join(' ')}` } : {}),
    'Cache-Control': 'no-store',
  }
}

/** Where an upload is and, once it is complete, what it has become: a blob, by its address and its digests. */
export function progressOf({ role, phase, content, digests, expiresAt }: Upload): Record<string, string> {
  const isKnown = role !== 'final' || phase === 'completed'
  return {
    ...(isKnown ? { 'Upload-Offset': String(content.size) } : {}),
    ...(phase === 'completed' ? {} : { 'Upload-Expires': expiresAt.toUTCString() }),
    ...(phase === 'completed' && digests
      ? { 'Content-Location': `/v1/blobs/${digests.digest}`, 'Repr-Digest': formatReprDigest(digests.sha256, digests.digest) }
      : {}),
  }
}

/** @throws ArtifactError that of an upload which failed for good: a client that only sees its offset would take it for complete. */
export function refuseFailed({ problem }: Upload): void {
  if (problem) throw new ArtifactError(problem.kind, problem.message, { details: problem.details })
}
