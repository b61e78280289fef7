import { execFile } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isErrno } from '@artifact-store/core'

const run = promisify(execFile)

/** A directory that may be a file system of its own. */
export interface Disk extends AsyncDisposable {
  readonly path: string
  /** Leaves no byte on it. @returns gives the room back. */
  fill(): Promise<() => Promise<void>>
}

/** A file system of that size in memory. @throws Error where the system does not let us mount one: only root may, and not everywhere. */
export async function smallDisk(path: string, mebibytes: number): Promise<Disk> {
  await mkdir(path, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'artifact-store-faults', path])
  const ballast = join(path, 'ballast')
  let fills = 0
  return {
    path,
    async fill() {
      fills += 1
      await writeUntilFull(ballast)
      return async () => {
        fills -= 1
        if (fills === 0) await rm(ballast, { force: true })
      }
    },
    // Lazily: a process that was killed a moment ago may still be seen with a file open.
    [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', path])),
  }
}

/** Whether such a file system can be had here; found out by making one. */
export async function canMount(directory: string): Promise<boolean> {
  try {
    await using disk = await smallDisk(join(directory, 'probe'), 1)
    return disk.path !== ''
  } catch {
    return false
  }
}

async function writeUntilFull(path: string): Promise<void> {
  await using file = await open(path, 'a')
  // Ever smaller pieces, so that the last bytes are taken as well.
  for (let piece = 1024 * 1024; piece >= 1024; piece /= 32) {
    const bytes = Buffer.alloc(piece)
    try {
      for (;;) await file.appendFile(bytes)
    } catch (error) {
      if (!isErrno(error, 'ENOSPC')) throw error
    }
  }
}
