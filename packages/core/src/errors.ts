/**
 * Every way in which the system says no. A kind is stable: clients branch on it, and `service/problem.ts` gives each
 * one its HTTP status and its problem type. Adding a literal here without a row there does not compile.
 */
export type ErrorKind =
  | 'invalid-request'
  | 'invalid-json'
  | 'invalid-path'
  | 'path-conflict'
  | 'path-taken'
  | 'digest-mismatch'
  | 'body-incomplete'
  | 'body-too-large'
  | 'headers-too-large'
  | 'request-timeout'
  | 'unsupported-media-type'
  | 'too-many-requests'
  | 'unauthenticated'
  | 'forbidden'
  | 'route-not-found'
  | 'method-not-allowed'
  | 'package-not-found'
  | 'file-not-found'
  | 'blob-not-found'
  | 'token-not-found'
  | 'upload-not-found'
  | 'upload-locked'
  | 'upload-incomplete'
  | 'upload-final'
  | 'offset-mismatch'
  | 'checksum-mismatch'
  | 'package-not-finalized'
  | 'package-sealed'
  | 'manifest-mismatch'
  | 'already-exists'
  | 'revision-conflict'
  | 'idempotency-key-reused'
  | 'range-not-satisfiable'
  | 'precondition-failed'
  | 'blob-corrupt'
  | 'storage-full'
  | 'backend-unavailable'
  | 'log-unavailable'
  | 'archive-damaged'
  | 'overloaded'
  | 'views-behind'
  | 'views-busy'
  | 'stores-busy'
  | 'stream-forked'
  | 'poison-event'
  | 'configuration'
  | 'internal'

export interface ErrorOptionsWithDetails {
  /** What caused this, kept as the chain. */
  readonly cause?: unknown
  /** Machine-readable particulars: which path, which digest, which limit. They reach the client: no secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The one error class. `message` is a sentence for a person: what was wrong, where, and what to do. */
export class ArtifactError extends Error {
  readonly kind: ErrorKind
  readonly details: Readonly<Record<string, unknown>>

  constructor(kind: ErrorKind, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ArtifactError'
    this.kind = kind
    this.details = options.details ?? {}
  }
}

export function isArtifactError(error: unknown, ...kinds: readonly ErrorKind[]): error is ArtifactError {
  return error instanceof ArtifactError && (kinds.length === 0 || kinds.includes(error.kind))
}

/** True for a Node system error with that code, e.g. `isErrno(e, 'ENOENT')`. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** The default branch of a switch over a union: does not compile while a member is unhandled. */
export function unreachable(value: never): never {
  throw new ArtifactError('internal', `unhandled case: ${JSON.stringify(value)}`)
}
