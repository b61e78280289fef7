import { link, lstat, rename, unlink } from 'node:fs/promises'
import { isErrno } from '@artifact-store/core'

/** Gives a finished file its name. @returns false, with nothing done, when something has that name. */
export async function placeFile(finished: string, place: string): Promise<boolean> {
  try {
    // A link fails where a rename would replace.
    await link(finished, place)
    await unlink(finished)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV')) throw error
  }
  // For file systems that know no hard links.
  if (await exists(place)) return false
  await rename(finished, place)
  return true
}

async function exists(place: string): Promise<boolean> {
  try {
    await lstat(place)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
