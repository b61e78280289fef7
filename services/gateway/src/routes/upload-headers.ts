import type { ErrorKind } from '@artifact-store/core'

/** What may be said of every body of bytes. */
export const uploadHeaders = {
  'Repr-Digest': 'The digests that the bytes must have, sha-256 and blake3 (RFC 9530)',
  'Content-Digest': 'The same',
  'Content-Type': 'The media type that the file shall be served with',
} as const

export const uploadProblems: readonly ErrorKind[] = [
  'digest-mismatch',
  'body-incomplete',
  'body-too-large',
  'unsupported-media-type',
  'storage-full',
  'backend-unavailable',
  'log-unavailable',
  'overloaded',
  'views-behind',
]

/** What the completion of a resumable upload may be refused with. */
export const completionProblems: readonly ErrorKind[] = [
  'blob-corrupt',
  'package-not-found',
  'package-sealed',
  'path-taken',
  'path-conflict',
  'invalid-path',
  ...uploadProblems,
]
