import { ArtifactError } from '@artifact-store/core'
import { type S3Address, showAddress } from './address.ts'

/**
 * What a failed call means: there is no such object or upload; the bytes were damaged on their way to the server; the server
 * does not work at present; or the call will not succeed before somebody does something.
 */
export type Meaning = 'missing' | 'damaged' | 'down' | 'lasting'

// The server's word that it received other bytes than were sent, or not all of them.
const damagedOnTheWay: readonly string[] = ['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody']
// For a clock that is wrong the SDK has learnt the difference by the time of the next attempt.
const comeAgain: readonly string[] = [
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'SlowDown',
  'OperationAborted',
  'ConcurrentModification',
]
const notThere: readonly string[] = ['NoSuchKey', 'NotFound', 'NoSuchUpload']

export function meaningOf(error: unknown): Meaning {
  const { name, status, message } = facts(error)
  if (notThere.includes(name)) return 'missing'
  if (damagedOnTheWay.includes(name)) return 'damaged'
  if (comeAgain.includes(name)) return 'down'
  if (isOurs(name) || isRegionMissing(message)) return 'lasting'
  // 501: the server says that it does not know what it was asked.
  if (status === 501) return 'lasting'
  // Without a status there was no answer, or none that could be understood.
  return status === undefined || status < 400 || status === 408 || status === 429 || status >= 500 ? 'down' : 'lasting'
}

/** How long the server asks to wait, in milliseconds. */
export function retryAfterMs(error: unknown): number | undefined {
  const headers = propertyOf(propertyOf(error, '$response'), 'headers')
  const seconds = Number(propertyOf(headers, 'retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined
}

/** The HTTP status of a refusal; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return facts(error).status
}

/**
 * A failed call as an error of ours, with its cause.
 * @param doing reads after "could not".
 */
export function s3Error(doing: string, address: S3Address, error: unknown): ArtifactError {
  const { name, code, status, message } = facts(error)
  const what = code ?? name
  const details = { backend: showAddress(address), code: what, ...(status === undefined ? {} : { status }) }
  if (name === 'QuotaExceeded' || name === 'XMinioStorageFull' || status === 507) {
    return new ArtifactError(
      'storage-full',
      `could not ${doing} in the bucket "${address.bucket}": there is no room left (${what}); free some space or raise the quota`,
      { cause: error, details },
    )
  }
  const said = status === undefined ? what : `${what}, status ${status}`
  return new ArtifactError(
    'backend-unavailable',
    `could not ${doing} in the bucket "${address.bucket}" (${said}); ${advice(name, status, address, message)}`,
    { cause: error, details },
  )
}

function advice(name: string, status: number | undefined, { bucket, endpoint }: S3Address, message: string): string {
  if (isOurs(name))
    return `no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile (${message})`
  if (isRegionMissing(message)) return 'name its region: region=… in the address, or AWS_REGION'
  switch (name) {
    case 'NoSuchBucket':
      return `make the bucket "${bucket}", or name another one`
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'ExpiredToken':
    case 'InvalidToken':
      return 'check the credentials and the region'
    case 'RequestTimeTooSkewed':
      return 'set the clock of this machine'
  }
  if (status === 403) return 'allow these credentials to read, write, delete and list there'
  if (status === 301 || status === 307 || status === 400) return 'check the region and whether the server wants pathStyle=true'
  return `check that ${endpoint ?? 'the S3 service'} works and can be reached from here`
}

function isOurs(name: string): boolean {
  return name === 'CredentialsProviderError' || name === 'TokenProviderError'
}

// The SDK gives this one no name of its own.
function isRegionMissing(message: string): boolean {
  return message.startsWith('Region is missing')
}

function facts(error: unknown): { name: string; code: string | undefined; status: number | undefined; message: string } {
  const status = propertyOf(propertyOf(error, '$metadata'), 'httpStatusCode')
  const code = propertyOf(error, 'code')
  return {
    name: error instanceof Error ? error.name : 'unknown error',
    code: typeof code === 'string' ? code : undefined,
    status: typeof status === 'number' ? status : undefined,
    message: error instanceof Error ? error.message : String(error),
  }
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
