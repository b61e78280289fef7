import { ArtifactError, type ErrorKind } from '@artifact-store/core'
import { z } from 'zod'

const problem = z.looseObject({
  type: z.string().default('about:blank'),
  title: z.string().optional(),
  detail: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
})

/** The error that an answer stands for which is not the one that was asked for. */
export function errorFromAnswer(answer: {
  status: number
  contentType: string | null
  text: string
  call: string
}): ArtifactError {
  const { status, call, contentType, text } = answer
  const document = parseJson(text)
  if (document !== undefined && contentType?.startsWith('application/problem+json')) return errorFromProblem(document, status)
  return new ArtifactError(
    'internal',
    `${call} was answered ${status}, not by an artifact store: is something else listening there?`,
    {
      details: { status, contentType, text: text.slice(0, 500) },
    },
  )
}

/**
 * A problem document (RFC 9457) as an error of the kind that the last segment of its `type` names; a kind that this version does not
 * know becomes `internal`, with the type in the details.
 */
export function errorFromProblem(document: unknown, status: number): ArtifactError {
  const parsed = problem.safeParse(document)
  const { type, title, detail, details } = parsed.success ? parsed.data : problem.parse({})
  const kind = type.slice(type.lastIndexOf('/') + 1)
  const message = detail ?? title ?? `refused with status ${status} and nothing said`
  if (isErrorKind(kind)) return new ArtifactError(kind, message, { details: { ...details, status } })
  return new ArtifactError('internal', message, { details: { ...details, status, type } })
}

/** The error of an answer to HEAD, which cannot say more than its status. */
export function errorFromStatus(status: number, call: string): ArtifactError {
  const kind =
    status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : status >= 502 ? 'backend-unavailable' : 'internal'
  return new ArtifactError(kind, `${call} was answered ${status}`, { details: { status } })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isErrorKind(text: string): text is ErrorKind {
  return Object.hasOwn(kinds, text)
}

/** Every kind of core: one that is added there does not compile until it is here. */
const kinds = {
  'invalid-request': true,
  'invalid-json': true,
  'invalid-path': true,
  'path-conflict': true,
  'path-taken': true,
  'digest-mismatch': true,
  'body-incomplete': true,
  'body-too-large': true,
  'headers-too-large': true,
  'request-timeout': true,
  'unsupported-media-type': true,
  'too-many-requests': true,
  unauthenticated: true,
  forbidden: true,
  'route-not-found': true,
  'method-not-allowed': true,
  'package-not-found': true,
  'file-not-found': true,
  'blob-not-found': true,
  'token-not-found': true,
  'upload-not-found': true,
  'upload-locked': true,
  'upload-incomplete': true,
  'upload-final': true,
  'offset-mismatch': true,
  'checksum-mismatch': true,
  'package-not-finalized': true,
  'package-sealed': true,
  'manifest-mismatch': true,
  'already-exists': true,
  'revision-conflict': true,
  'idempotency-key-reused': true,
  'range-not-satisfiable': true,
  'precondition-failed': true,
  'blob-corrupt': true,
  'storage-full': true,
  'backend-unavailable': true,
  'log-unavailable': true,
  'archive-damaged': true,
  overloaded: true,
  'views-behind': true,
  'views-busy': true,
  'stores-busy': true,
  'stream-forked': true,
  'poison-event': true,
  configuration: true,
  internal: true,
} as const satisfies Record<ErrorKind, true>
