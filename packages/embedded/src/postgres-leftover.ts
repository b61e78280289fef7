import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { commandLine, endProcess, eventually, isListed, processesIn } from './process-table.ts'

/**
 * Stops a PostgreSQL that still runs on this data directory because what started it was killed: cleanly if it obeys, hard if
 * not. Also waits for the backends of a postmaster that was killed itself. Returns whether there was one.
 * @throws ArtifactError `backend-unavailable` when something on the directory cannot be stopped.
 */
export async function stopLeftoverPostgres(directory: string, log?: (line: string) => void): Promise<boolean> {
  const pidFile = join(directory, 'postmaster.pid')
  const pid = await readPid(pidFile)
  if (pid === undefined) return false
  if (await isPostmasterOf(directory, pid)) {
    log?.(`stopping the PostgreSQL that an earlier run left behind (process ${pid})`)
    const gone = await endProcess(pid, async () => !(await isPostmasterOf(directory, pid)), [
      ['SIGINT', 30_000],
      ['SIGQUIT', 6_000],
      ['SIGKILL', 6_000],
    ])
    if (!gone)
      throw new ArtifactError(
        'backend-unavailable',
        `the PostgreSQL of an earlier run (process ${pid}) on ${directory} does not stop: end it, then start again`,
      )
    return true
  }
  const real = await realpath(directory)
  if (!(await eventually(async () => (await processesIn(real)).length === 0, 10_000))) {
    const pids = (await processesIn(real)).join(', ')
    throw new ArtifactError(
      'backend-unavailable',
      `processes (${pids}) still work in ${directory}, whose PostgreSQL was killed: end them, then start again`,
    )
  }
  // A pid file whose number now belongs to some other program, or to a postmaster that is dead but that nobody has collected
  // yet (a zombie), would make PostgreSQL refuse to start. One whose process is gone stays: PostgreSQL checks by it that no
  // backend still has the shared memory.
  if (isListed(pid)) await rm(pidFile, { force: true })
  return false
}

/** What the postmaster with this pid says of itself in line 8 of postmaster.pid, where pg_ctl reads it: `starting`, `ready`,
 * `stopping`; undefined when the file is not there or still another's. */
export async function postmasterStatus(directory: string, pid: number): Promise<string | undefined> {
  const lines = (await readPidFile(join(directory, 'postmaster.pid')))?.split('\n')
  return Number(lines?.[0]) === pid ? lines?.[7]?.trim() : undefined
}

async function isPostmasterOf(directory: string, pid: number): Promise<boolean> {
  const command = (await commandLine(pid)) ?? ''
  return command.includes('postgres') && command.includes(`-D ${directory} `)
}

/** Line 1 of postmaster.pid, without the minus sign that a single-user postgres writes. */
async function readPid(pidFile: string): Promise<number | undefined> {
  const pid = Math.abs(Number.parseInt((await readPidFile(pidFile)) ?? '', 10))
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

async function readPidFile(pidFile: string): Promise<string | undefined> {
  try {
    return await readFile(pidFile, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
