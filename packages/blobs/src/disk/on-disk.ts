import { ArtifactError, isErrno } from '@artifact-store/core/errors'

/**
 * Waits for a system call and says in a sentence what failed and where. `doing` reads after "could not".
 * @throws ArtifactError `storage-full` for ENOSPC, EDQUOT and EFBIG, else `backend-unavailable`, both with the cause;
 * errors that are not the system's go by untouched.
 */
export async function onDisk<T>(doing: string, path: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw diskError(doing, path, error)
  }
}

/** The same for a call that waits, as on a thread of its own it may. */
export function onDiskSync<T>(doing: string, path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw diskError(doing, path, error)
  }
}

/** Undefined where the system says that there is no such file (ENOENT). */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function diskError(doing: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string')) return error
  const details = { path, code: error.code }
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return new ArtifactError(
      'storage-full',
      `could not ${doing} ${path}: there is no room left (${error.code}); free some space or raise the quota`,
      {
        cause: error,
        details,
      },
    )
  }
  return new ArtifactError('backend-unavailable', `could not ${doing} ${path} (${error.code}); ${advice(error.code)}`, {
    cause: error,
    details,
  })
}

function advice(code: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'let the user that runs this process read and write there'
    case 'EROFS':
      return 'the file system is mounted read-only'
    case 'EMFILE':
    case 'ENFILE':
      return 'raise the limit of open files'
    case 'ENOENT':
    case 'ENOTDIR':
      return 'check that the directory is there and is mounted'
    default:
      return 'check the disk and its mount'
  }
}
