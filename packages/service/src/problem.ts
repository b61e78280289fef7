import { ArtifactError, type ErrorKind } from '@artifact-store/core'
import { z } from 'zod'
import { isConnectionError } from './connection-error.ts'

/** What HTTP says for a kind of error. `retryAfter` is in seconds: when it is worth asking again. */
export interface Problem {
  readonly status:
    | 400
    | 401
    | 403
    | 404
    | 405
    | 408
    | 409
    | 412
    | 413
    | 415
    | 416
    | 422
    | 423
    | 429
    | 431
    | 460
    | 500
    | 502
    | 503
    | 507
  readonly title: string
  readonly retryAfter?: number
}

/**
 * Each kind of error as RFC 9457 and RFC 9110 have it. The page `docs/problems/<kind>.md` says what to do about each.
 *
 * A wrong digest is 400, as S3 and OCI distribution answer it and as the IETF's problem types for digest fields propose: what
 * was sent contradicts itself. A reused idempotency key is 422, after the IETF draft for that header. 460 is tus's own, for its checksums.
 */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-json': { status: 400, title: 'The body is not valid JSON' },
  'invalid-path': { status: 400, title: 'The path is not allowed' },
  'path-conflict': { status: 409, title: 'The path conflicts with another path of the package' },
  'path-taken': { status: 409, title: 'The path already has other content' },
  'digest-mismatch': { status: 400, title: 'The bytes do not have the stated digest' },
  'body-incomplete': { status: 400, title: 'The body ended early' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'headers-too-large': { status: 431, title: 'The head of the request is too large' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'too-many-requests': { status: 429, title: 'The token makes too many requests', retryAfter: 1 },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  'route-not-found': { status: 404, title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, title: 'The address does not support this method' },
  'package-not-found': { status: 404, title: 'There is no such package' },
  'file-not-found': { status: 404, title: 'There is no such file in the package' },
  'blob-not-found': { status: 404, title: 'There is no such blob' },
  'token-not-found': { status: 404, title: 'There is no such token' },
  'upload-not-found': { status: 404, title: 'There is no such upload' },
  'upload-locked': { status: 423, title: 'Another request writes to the upload', retryAfter: 1 },
  'upload-incomplete': { status: 409, title: 'The upload cannot be concatenated yet' },
  'upload-final': { status: 403, title: 'The upload takes no bytes' },
  'offset-mismatch': { status: 409, title: 'The upload is somewhere else' },
  'checksum-mismatch': { status: 460, title: 'The bytes do not have the stated checksum' },
  'package-not-finalized': { status: 409, title: 'The package is not finalized yet' },
  'package-sealed': { status: 409, title: 'The package can no longer change' },
  'manifest-mismatch': { status: 409, title: 'The manifest is not the expected one' },
  'already-exists': { status: 409, title: 'It already exists' },
  'revision-conflict': { status: 409, title: 'It was changed by someone else meanwhile' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key was used for another request' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the content' },
  'precondition-failed': { status: 412, title: 'A precondition of the request does not hold' },
  'blob-corrupt': { status: 502, title: 'The stored bytes no longer have their digest' },
  'storage-full': { status: 507, title: 'There is no space left for the bytes' },
  'backend-unavailable': { status: 503, title: 'A server behind this one cannot be reached', retryAfter: 5 },
  'log-unavailable': { status: 503, title: 'The event log cannot be reached', retryAfter: 1 },
  'archive-damaged': { status: 500, title: 'A part of the log is missing or damaged in its archive' },
  overloaded: { status: 503, title: 'There is more work than can be taken on', retryAfter: 1 },
  'views-behind': { status: 503, title: 'The views have not caught up yet', retryAfter: 1 },
  'views-busy': { status: 409, title: 'Something else is being done with the views' },
  'stores-busy': { status: 409, title: 'Blobs are being moved between backends already' },
  'stream-forked': { status: 503, title: 'The event stream has diverged from the log', retryAfter: 60 },
  'poison-event': { status: 500, title: 'An event cannot be applied' },
  configuration: { status: 500, title: 'The service is configured wrongly' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<ErrorKind, Problem>

/** RFC 9457 problem details, with `kind` (the last segment of `type`) for programs to branch on. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: Problem['status']
  readonly detail: string
  readonly kind: ErrorKind
  readonly requestId?: string | undefined
  /** The error's details: which path, which digest, which limit. */
  readonly [member: string]: unknown
}

/** The stable name of a problem type: an identifier that is also the address of its page. */
export function problemType(kind: ErrorKind): string {
  return `https://artifact-store.dev/problems/${kind}`
}

/**
 * What a client is told of an error. Errors that nobody foresaw, and those of our own configuration, tell nothing but the
 * request id, by which the log has the rest.
 */
export function problemOf(error: unknown, requestId?: string): ProblemDocument {
  const { kind, message, details } = known(error)
  const told = hidden.has(kind)
    ? {
        detail: `the request could not be served; the log has the reason${requestId === undefined ? '' : ` under request id ${requestId}`}`,
      }
    : { ...details, detail: message }
  const { status, title } = problems[kind]
  // Details first: they never take the place of a member that the standard defines.
  return { ...told, type: problemType(kind), title, status, kind, ...(requestId === undefined ? {} : { requestId }) }
}

/** The headers that belong to a problem beside its content type. */
export function problemHeaders(document: ProblemDocument): Record<string, string> {
  const problem: Problem = problems[document.kind]
  const { allow, size, retryAfter } = document
  return {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(problem.retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter ?? problem.retryAfter) }),
    ...(problem.status === 429 ? rateLimitFields(document) : {}),
    ...(problem.status === 401 ? { 'WWW-Authenticate': 'Bearer realm="artifact-store"' } : {}),
    ...(problem.status === 405 && Array.isArray(allow) ? { Allow: allow.join(', ') } : {}),
    // How much there is, so that the client can ask for what is there (RFC 9110, section 15.5.17).
    ...(problem.status === 416 && typeof size === 'number' ? { 'Content-Range': `bytes */${size}` } : {}),
  }
}

/**
 * The limit of which nothing is left, for programs (IETF draft ratelimit-headers): how many requests in how many seconds, and when there is one again. Of a
 * bucket that fills steadily, the window is the time in which it fills from empty.
 */
function rateLimitFields({ requestsPerSecond, burst, retryAfter }: ProblemDocument): Record<string, string> {
  if (typeof requestsPerSecond !== 'number' || typeof burst !== 'number') return {}
  return {
    'RateLimit-Policy': `"token";q=${burst};w=${Math.ceil(burst / requestsPerSecond)}`,
    RateLimit: `"token";r=0;t=${retryAfter}`,
  }
}

/** Where a zod issue is, as RFC 9457's own example does it: a JSON pointer (RFC 6901) in a URI fragment. */
export function invalidFields(error: z.core.$ZodError): { pointer: string; message: string }[] {
  return error.issues.slice(0, 20).map(issue => ({ pointer: pointerOf(issue.path), message: issue.message }))
}

const hidden: ReadonlySet<ErrorKind> = new Set(['internal', 'configuration'])

function known(error: unknown): ArtifactError {
  if (error instanceof ArtifactError) return error
  if (error instanceof z.core.$ZodError) {
    const errors = invalidFields(error)
    const first = errors[0]
    return new ArtifactError(
      'invalid-request',
      `the request is not valid at ${first?.pointer ?? '#'}: ${first?.message ?? 'invalid'}`,
      { details: { errors } },
    )
  }
  if (isConnectionError(error)) {
    return new ArtifactError('backend-unavailable', 'a server that this one needs cannot be reached right now; try again', {
      cause: error,
    })
  }
  return new ArtifactError('internal', 'unexpected error', { cause: error })
}

function pointerOf(path: readonly PropertyKey[]): string {
  return `#${path.map(part => `/${encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')}`
}
