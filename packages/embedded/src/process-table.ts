import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isErrno } from '@artifact-store/core'

const run = promisify(execFile)

/** The command line of a running process as one text, or undefined when there is none (a zombie counts as none). */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      return text === '' ? undefined : text.replaceAll('\0', ' ').trim()
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined
      throw error
    }
  }
  try {
    const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
    return stdout.trim() === '' ? undefined : stdout.trim()
  } catch {
    // ps exits 1 for a pid that is not there.
    return undefined
  }
}

/** The processes whose working directory is `directory`; empty where the system does not tell (only Linux does). */
export async function processesIn(directory: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const cwds = await Promise.all(pids.map(async pid => [pid, await readlink(`/proc/${pid}/cwd`).catch(() => undefined)] as const))
  return cwds.filter(([, cwd]) => cwd === directory).map(([pid]) => pid)
}

/** Sends a signal to a process that is not our child. True when it was there to take it. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    throw error
  }
}

/** Whether the system has anything under this number, be it a zombie. */
export function isListed(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    if (isErrno(error, 'EPERM')) return true
    throw error
  }
}

/** Polls until `condition` holds, at most `milliseconds`. False when it did not come to hold. */
export async function eventually(
  condition: () => Promise<boolean>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + milliseconds
  while (!(await condition())) {
    if (performance.now() > end) return false
    await sleep(25, undefined, signal === undefined ? {} : { signal })
  }
  return true
}

/**
 * Ends a process that is not our child: each signal in turn, with its grace in milliseconds, until `isGone` holds.
 * False when it outlived all of them.
 */
export async function endProcess(
  pid: number,
  isGone: () => Promise<boolean>,
  steps: readonly (readonly [NodeJS.Signals, number])[],
): Promise<boolean> {
  for (const [signal, grace] of steps) {
    if (!signalProcess(pid, signal)) return true
    if (await eventually(isGone, grace)) return true
  }
  return false
}
