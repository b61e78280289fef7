import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { plainEnvironment } from './environment.ts'
import { eventually } from './eventually.ts'
import { descendantsOf, type ListedProcess, listProcesses, send, stillRunning } from './processes.ts'
import { repository } from './repository.ts'

export interface LauncherOptions {
  readonly dataDirectory: string
  /** Further variables, e.g. `ARTIFACT_STORE_TOKEN`. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Another launcher has the data directory: what runs on it is not this one's. */
  readonly besideAnother?: boolean | undefined
  /** What to run; the launcher itself when absent. `npm start` is what a person types. */
  readonly command?: readonly string[] | undefined
  /** A command in front of it, e.g. one that sets a limit and then becomes it (`exec`). */
  readonly through?: readonly string[] | undefined
}

export interface LauncherExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const launcher = [process.execPath, join(repository, 'scripts', 'start.ts')]

/** What `npm start` runs, as a process of its own, in a process group of its own like the foreground job of a shell. */
export class LauncherProcess implements AsyncDisposable {
  readonly dataDirectory: string
  readonly pid: number
  /** All that it said, line by line. */
  readonly lines: string[] = []
  /** Those of its lines that came on stderr: its own complaints. */
  readonly complaints: string[] = []
  readonly exited: Promise<LauncherExit>
  readonly #besideAnother: boolean
  #exit: LauncherExit | undefined

  constructor({ dataDirectory, env = {}, command = launcher, through = [], besideAnother = false }: LauncherOptions) {
    this.dataDirectory = dataDirectory
    this.#besideAnother = besideAnother
    const [program = '', ...args] = [...through, ...command]
    const child = spawn(program, args, {
      cwd: repository,
      env: { ...plainEnvironment(), ARTIFACT_STORE_DATA: dataDirectory, ARTIFACT_STORE_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.pid = child.pid ?? 0
    readLines(child.stdout, line => this.lines.push(line))
    readLines(child.stderr, line => {
      this.lines.push(line)
      this.complaints.push(line)
    })
    const untie = tie(this.pid)
    this.exited = exitOf(child).then(exit => {
      untie()
      this.#exit = exit
      return exit
    })
  }

  /** The first line, from `from` on, that matches, as soon as it is said. @throws Error with its last lines when it ends before. */
  async said(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return await eventually(`the launcher says ${pattern}`, () => {
      for (const line of this.lines.slice(from)) {
        const match = pattern.exec(line)
        if (match) return match
      }
      if (this.#exit === undefined) return undefined
      throw new Error(
        `the launcher ended (${this.#exit.code ?? this.#exit.signal}) and did not say ${pattern}:\n${this.lines.slice(-20).join('\n')}`,
      )
    })
  }

  /** Sends it a signal and resolves when it has ended. */
  async end(signal: NodeJS.Signals): Promise<LauncherExit> {
    if (this.#exit === undefined) send(this.pid, signal)
    return await this.exited
  }

  /** Ctrl-C: SIGINT to its whole process group, as a terminal sends it. Resolves when it has ended. */
  async interrupt(): Promise<LauncherExit> {
    if (this.#exit === undefined) send(-this.pid, 'SIGINT')
    return await this.exited
  }

  /** It and every process that it started, `kill -9`, itself first so that it starts nothing again. Resolves when all are gone. */
  async kill9(): Promise<void> {
    const all = await this.processes()
    for (const { pid } of all) send(pid, 'SIGKILL')
    await eventually('all that was killed is gone', async () => ((await stillRunning(all)).length === 0 ? true : undefined))
    await this.exited
  }

  /** It and all that runs because of it, itself first; also what it left behind when it was killed. */
  async processes(): Promise<ListedProcess[]> {
    const listed = await listProcesses()
    const itself = this.#exit === undefined ? listed.filter(({ pid }) => pid === this.pid) : []
    const found = [...itself, ...descendantsOf(this.pid, listed)]
    if (this.#besideAnother) return found
    const leftBehind = listed.filter(({ command }) => command.includes(`${this.dataDirectory}/`))
    return [...new Set([...found, ...leftBehind])]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
  }
}

/**
 * Has a process told to stop when this one ends. A test that hangs is given up by ending its process, which runs none of its `finally`.
 * @returns what undoes it.
 */
function tie(pid: number): () => void {
  const tell = () => send(pid, 'SIGTERM')
  const end = () => process.exit(1)
  process.on('exit', tell)
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end)
  return () => {
    process.off('exit', tell)
    for (const signal of ['SIGTERM', 'SIGINT']) process.off(signal, end)
  }
}

function readLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', take)
}

function exitOf(child: ChildProcess): Promise<LauncherExit> {
  // `close`, not `exit`: its last words have been read by then.
  return new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal })))
}
