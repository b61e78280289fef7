import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A directory in which there is little room. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** To be put in front of a command that writes there. */
  readonly through: readonly string[]
}

/**
 * Makes a file system of its own in memory at `path`, where the system lets us mount one (root, mostly). Elsewhere the files of whoever is
 * started `through` it cannot grow beyond that size, which any user may ask of the kernel: the write that would is refused in the middle.
 */
export async function smallDisk(
  path: string,
  { mebibytes, largestFile }: { mebibytes: number; largestFile: number },
): Promise<SmallDisk> {
  await mkdir(path)
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'artifact-store-e2e', path]).then(
    () => true,
    () => false,
  )
  if (mounted) return { path, through: [], [Symbol.asyncDispose]: async () => void (await run('umount', [path])) }
  // POSIX: `ulimit -f` counts blocks of 512 bytes; sh, not bash, which counts 1,024.
  const limited = ['sh', '-c', `ulimit -f ${largestFile / 512} && exec "$@"`, 'sh']
  return { path, through: limited, [Symbol.asyncDispose]: async () => undefined }
}
