import { ArtifactError, isArtifactError, isErrno } from '@artifact-store/core'

/** What kept a backup or a restore from being made, as a sentence; what nobody foresaw stays as it is. */
export function backupFailure(error: unknown): unknown {
  if (isArtifactError(error) || !(error instanceof Error)) return error
  const options = { cause: error }
  const place = 'path' in error && typeof error.path === 'string' ? ` at ${error.path}` : ''
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG'))
    return new ArtifactError(
      'storage-full',
      `no space is left${place}: free some, or give a directory on a larger disk, and do it again`,
      options,
    )
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS'))
    return new ArtifactError(
      'configuration',
      `this user may not read or write${place}: do it as the one whom the store belongs to`,
      options,
    )
  if (isOfDatabase(error)) {
    return new ArtifactError(
      'backend-unavailable',
      `the database of the store does not answer, or went away meanwhile (${error.message}): see that the store is ready, and make the backup again`,
      options,
    )
  }
  return error
}

/** A connection that cannot be made or broke, and what PostgreSQL itself says (SQLSTATE, five characters). */
function isOfDatabase(error: Error): boolean {
  if (isErrno(error, 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT')) return true
  return (
    /^Connection terminated|^Connection ended/.test(error.message) ||
    ('code' in error && /^[0-9A-Z]{5}$/.test(String(error.code)) && 'severity' in error)
  )
}
