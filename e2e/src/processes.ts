import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A process as the system lists it. */
export interface ListedProcess {
  readonly pid: number
  readonly parent: number
  /** When it began, in the system's own words: with the pid it tells one process from every other. */
  readonly started: string
  readonly command: string
}

/** All processes of the machine that have not ended; one that nobody has collected yet (a zombie) has. */
export async function listProcesses(): Promise<ListedProcess[]> {
  if (process.platform !== 'linux') return await listByPs()
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(pid => readProcess(pid).catch(() => undefined)))
  return found.filter(listed => listed !== undefined)
}

/** Children of `pid`, their children, and so on, without `pid` itself. */
export function descendantsOf(pid: number, among: readonly ListedProcess[]): ListedProcess[] {
  const byParent = Map.groupBy(among, listed => listed.parent)
  const below = (parent: number): ListedProcess[] => (byParent.get(parent) ?? []).flatMap(child => [child, ...below(child.pid)])
  return below(pid)
}

/** Those of them that still run. A number that was given to another program in the meantime does not count. */
export async function stillRunning(processes: readonly ListedProcess[]): Promise<ListedProcess[]> {
  const now = new Map((await listProcesses()).map(listed => [listed.pid, listed]))
  return processes.filter(({ pid, started }) => now.get(pid)?.started === started)
}

/** Sends a signal; a process that has ended already is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function readProcess(pid: number): Promise<ListedProcess | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent = ''] = fields
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim()
  return state === 'Z' ? undefined : { pid, parent: Number(parent), started: fields[19] ?? '', command }
}

async function listByPs(): Promise<ListedProcess[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axww', '-o', 'pid=,ppid=,stat=,lstart=,command='])
  return stdout.split('\n').flatMap(line => {
    const [, pid, parent, state = '', started = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.{24})\s+(.*)$/.exec(line) ?? []
    return pid === undefined || state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), started, command }]
  })
}
