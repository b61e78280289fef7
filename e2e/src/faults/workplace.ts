import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listProcesses, send, stillRunning } from '../processes.ts'

const prefix = 'artifact-store-faults-'

/** The directory in which a command of the fault suite works; gone when it is disposed of. */
export interface Workplace extends AsyncDisposable {
  readonly directory: string
}

/** Makes it, and clears away those that a killed command left behind, with all that still runs or is mounted there. */
export async function openWorkplace(): Promise<Workplace> {
  const parent = await realpath(tmpdir())
  for (const name of await readdir(parent)) {
    const pid = /^artifact-store-faults-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) await clear(join(parent, name))
  }
  const directory = await mkdtemp(join(parent, `${prefix}${process.pid}-`))
  return { directory, [Symbol.asyncDispose]: () => clear(directory) }
}

/** Moves what is left of a run to where it stays. @returns that place. */
export async function keepForGood(directory: string, name: string): Promise<string> {
  const kept = join(await realpath(tmpdir()), 'artifact-store-faults', name)
  await rm(kept, { recursive: true, force: true })
  await mkdir(join(kept, '..'), { recursive: true })
  await rename(directory, kept)
  return kept
}

async function clear(directory: string): Promise<void> {
  for (;;) {
    const processes = (await listProcesses()).filter(({ command }) => command.includes(`${directory}/`))
    if (processes.length === 0) break
    for (const { pid } of processes) send(pid, 'SIGKILL')
    if ((await stillRunning(processes)).length === 0) break
  }
  for (const path of await mountsBelow(directory)) await promisify(execFile)('umount', ['-l', path])
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

async function mountsBelow(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  return table.split('\n').flatMap(line => {
    const path = line.split(' ')[1] ?? ''
    return path.startsWith(`${directory}/`) ? [path] : []
  })
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
