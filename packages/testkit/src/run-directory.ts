import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isErrno } from '@artifact-store/core'
import { stopLeftoverNats, stopLeftoverPostgres } from '@artifact-store/embedded'

/** Each NATS server of a run has a directory with this prefix in the run's directory. */
export const natsDirectoryPrefix = 'nats-'
/** And each PostgreSQL that a test has to itself one with this. */
export const ownPostgresPrefix = 'own-postgres-'

/** Makes the directory of this test run. Its name holds the process id, so that a later run can tell whether it is in use. */
export async function makeRunDirectory(parent: string = tmpdir(), pid: number = process.pid): Promise<string> {
  const directory = join(parent, `${prefix}${pid}-${randomBytes(4).toString('hex')}`)
  await mkdir(directory, { mode: 0o700 })
  return directory
}

/** Where the PostgreSQL of a run keeps its data. */
export function postgresDirectory(directory: string): string {
  return join(directory, 'postgres')
}

/** Stops what still runs on the directory of a run and removes it. */
export async function removeRunDirectory(directory: string): Promise<void> {
  await stopLeftoverPostgres(postgresDirectory(directory))
  for (const name of await entriesOf(directory)) {
    if (name.startsWith(natsDirectoryPrefix)) await stopLeftoverNats(join(directory, name))
    if (name.startsWith(ownPostgresPrefix)) await stopLeftoverPostgres(join(directory, name))
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** A run that was killed could not clean up after itself: does it for all of them whose process is gone. */
export async function removeLeftoverRuns(parent: string = tmpdir()): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (!Number.isNaN(pid) && !isRunning(pid)) await removeRunDirectory(join(parent, name))
  }
}

const prefix = 'artifact-store-test-'

// Another run that starts now may be cleaning up the same.
async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
