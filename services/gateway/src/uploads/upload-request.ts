import { ArtifactError, parseUploadId, type UploadId } from '@artifact-store/core'
import type { AppEnv } from '@artifact-store/service'
import { type ChecksumAlgorithm, checksumAlgorithms } from '@artifact-store/uploads'
import type { Context } from 'hono'

/** The most parts of a concatenation. */
const mostParts = 1000

/** A length or an offset in bytes; undefined where the field is absent. @throws ArtifactError `invalid-request` */
export function parseBytes(c: Context<AppEnv>, field: string): number | undefined {
  const value = c.req.header(field)
  if (value === undefined) return undefined
  const bytes = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (Number.isSafeInteger(bytes)) return bytes
  throw new ArtifactError('invalid-request', `${field} is "${value.slice(0, 50)}": give a whole number of bytes`)
}

/** How long a new upload will be; undefined where the client will say it later. @throws ArtifactError `invalid-request` */
export function parseNewLength(c: Context<AppEnv>): number | undefined {
  const length = parseBytes(c, 'Upload-Length')
  const deferred = c.req.header('upload-defer-length')
  if (deferred !== undefined && deferred !== '1')
    throw new ArtifactError('invalid-request', `Upload-Defer-Length is "${deferred.slice(0, 50)}", and can only be 1`)
  if ((length === undefined) === (deferred === undefined))
    throw new ArtifactError('invalid-request', 'give Upload-Length, or Upload-Defer-Length: 1, and not both')
  return length
}

export type Concatenation = { readonly kind: 'part' } | { readonly kind: 'final'; readonly parts: readonly UploadId[] }

/** Reads `Upload-Concat`. @throws ArtifactError `invalid-request`, `upload-not-found` for an address that is of no upload. */
export function parseConcatenation(field: string | undefined): Concatenation | undefined {
  if (field === undefined) return undefined
  if (field === 'partial') return { kind: 'part' }
  const list = /^final;(.*)$/.exec(field)?.[1]
  const addresses = (list ?? '').split(' ').filter(Boolean)
  if (addresses.length === 0 || addresses.length > mostParts) {
    throw new ArtifactError(
      'invalid-request',
      `Upload-Concat is neither "partial" nor "final;" with the addresses of 1 to ${mostParts} parts, with spaces between`,
    )
  }
  return { kind: 'final', parts: addresses.map(uploadOfAddress) }
}

export interface StatedChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly digest: Uint8Array
}

/** Reads `Upload-Checksum`. @throws ArtifactError `invalid-request`, also for an algorithm that is not supported. */
export function parseChecksum(field: string | undefined): StatedChecksum | undefined {
  if (field === undefined) return undefined
  const [, name, base64 = ''] = /^([a-z0-9-]+) ([A-Za-z0-9+/]+={0,2})$/.exec(field) ?? []
  const algorithm = checksumAlgorithms.find(known => known === name)
  if (algorithm !== undefined) return { algorithm, digest: Buffer.from(base64, 'base64') }
  throw new ArtifactError(
    'invalid-request',
    `Upload-Checksum is "${field.slice(0, 100)}": write ${checksumAlgorithms.join(', ')}, then a space and the digest in base64`,
    { details: { supported: checksumAlgorithms } },
  )
}

export function uploadAddress(id: UploadId): string {
  return `/v1/uploads/${id}`
}

/** From an absolute address too: which host a client knows this store by is its own business. */
function uploadOfAddress(address: string): UploadId {
  return parseUploadId(/(?:^|\/)v1\/uploads\/([^/?#]+)$/.exec(address)?.[1] ?? address)
}
