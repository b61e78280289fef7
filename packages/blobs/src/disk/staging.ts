import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '@artifact-store/core/errors'
import { abandonedAfter, isOrphan, isStagingName } from '../staging-name.ts'
import { onDisk } from './on-disk.ts'

/**
 * Removes what crashed processes left: files of this owner whose process is gone, and those that nobody wrote to for
 * `abandonedAfter`. Never one that may be in use.
 * @param now milliseconds since 1970.
 * @returns how many were removed.
 */
export async function collectStaging(directory: string, owner: string, now: number = Date.now()): Promise<number> {
  let removed = 0
  for (const name of await onDisk('list', directory, readdir(directory))) {
    if (!isStagingName(name)) continue
    const path = join(directory, name)
    if (!(isOrphan(name, owner) || (await isAbandoned(path, now)))) continue
    await onDisk('remove', path, rm(path, { force: true }))
    removed += 1
  }
  return removed
}

/** Whether nobody has written to it for `abandonedAfter`. */
export async function isAbandoned(path: string, now: number): Promise<boolean> {
  try {
    return now - (await stat(path)).mtimeMs > abandonedAfter
  } catch (error) {
    // Its put has just ended.
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
