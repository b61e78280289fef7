import { ArtifactError } from './errors.ts'

/** A package's identity: a UUIDv7 (RFC 9562) in lower case, so that ids sort by the time of their making. */
export type PackageId = string & { readonly __brand: 'PackageId' }
/** A token's identity: the first 32 hex digits of the BLAKE3 digest of its secret, so it names the token and tells nothing. */
export type TokenId = string & { readonly __brand: 'TokenId' }
/** The identity of an upload in pieces: a UUIDv7 (RFC 9562) in lower case. */
export type UploadId = string & { readonly __brand: 'UploadId' }
/** A place in the log: the sequence of the last event seen; 0 is before the first. */
export type Position = number & { readonly __brand: 'Position' }

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** @throws ArtifactError `package-not-found`: no package can have an id that is not one. */
export function parsePackageId(text: string): PackageId {
  if (!uuid.test(text)) {
    throw new ArtifactError(
      'package-not-found',
      `"${text.slice(0, 100)}" is not a package id; ids are UUIDv7 in lower case, as POST /v1/packages answers them`,
    )
  }
  return text as PackageId
}

/** @throws ArtifactError `upload-not-found`: no upload can have an id that is not one. */
export function parseUploadId(text: string): UploadId {
  if (!uuid.test(text)) {
    throw new ArtifactError(
      'upload-not-found',
      `"${text.slice(0, 100)}" is not an upload id; ids are UUIDv7 in lower case, as POST /v1/uploads answers them in Location`,
    )
  }
  return text as UploadId
}

export function newPackageId(now?: number): PackageId {
  return newUuid(now) as PackageId
}

export function newUploadId(now?: number): UploadId {
  return newUuid(now) as UploadId
}

/** A UUIDv7 from the clock (milliseconds) and 74 random bits. */
function newUuid(now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0')
  // What a version 4 has behind its version is 12 random bits, the variant, and 62 random bits: the same as in a version 7.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

/** @throws ArtifactError `token-not-found`: no token can have an id that is not one. */
export function parseTokenId(text: string): TokenId {
  if (!/^[0-9a-f]{32}$/.test(text))
    throw new ArtifactError('token-not-found', `"${text.slice(0, 100)}" is not a token id; ids are 32 lower-case hex digits`)
  return text as TokenId
}

/** @throws ArtifactError `invalid-request` unless it is a whole number from 0 to 2^53 - 1. */
export function parsePosition(value: string | number): Position {
  const position = typeof value === 'number' ? value : /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(position) || position < 0) {
    throw new ArtifactError(
      'invalid-request',
      `"${String(value).slice(0, 100)}" is not a log position; positions are whole numbers from 0`,
    )
  }
  return position as Position
}
