import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a process ended: exactly one of the two is set, or neither when it could not be started (`error`). */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error | undefined
}

export interface ServerProcess {
  readonly pid: number
  /** Resolves once the process has ended and what it wrote has been read; never rejects. */
  readonly exited: Promise<ProcessExit>
  /** Whether it has ended already. */
  hasExited(): boolean
  /** The last 200 lines that it wrote, for an error's sentence. */
  lastLines(): readonly string[]
  /** Sends a signal; a process that has ended already is no error. */
  signal(signal: NodeJS.Signals): void
}

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string | undefined
  /** `hold` keeps a pipe open as its standard input, which ends when this process does, however it does. */
  readonly stdin?: 'ignore' | 'hold' | undefined
  readonly log?: ((line: string) => void) | undefined
}

const keptLines = 200
/** How long (ms) an ended process's pipes may stay open in another's hands. */
const longestDrain = 500

/**
 * Starts a process in a session of its own, so that the terminal's Ctrl-C reaches only us and the order of stopping is ours.
 * A command that cannot be started shows as an exit with `error`.
 */
export function spawnServer({ command, args, env, cwd, stdin = 'ignore', log }: ServerCommand): ServerProcess {
  const child = spawn(command, args, { env, cwd, detached: true, stdio: [stdin === 'hold' ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const keep = (line: string) => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    log?.(line)
  }
  // The child may be gone before its pipe is closed: EPIPE here is no news.
  child.stdin?.on('error', () => {})
  for (const stream of [child.stdout, child.stderr]) if (stream !== null) readLines(stream, keep)
  let ended = false
  const exited = waitForEnd(child).then(exit => {
    ended = true
    return exit
  })
  return {
    pid: child.pid ?? 0,
    exited,
    hasExited: () => ended,
    lastLines: () => lines,
    signal: signal => {
      if (!ended) child.kill(signal)
    },
  }
}

/** Sends each signal in turn and gives the process its grace (milliseconds) to end; resolves when it has ended. */
export async function endInSteps(server: ServerProcess, steps: readonly (readonly [NodeJS.Signals, number])[]): Promise<void> {
  for (const [signal, grace] of steps) {
    if (server.hasExited()) return
    server.signal(signal)
    const waiting = new AbortController()
    await Promise.race([server.exited, sleep(grace, undefined, { signal: waiting.signal })])
    waiting.abort()
  }
  await server.exited
}

/** In a sentence: `exit code 1`, `signal SIGKILL`, or why it could not be started. */
export function describeExit(exit: ProcessExit): string {
  if (exit.error !== undefined) return exit.error.message
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`
}

function readLines(stream: Readable, keep: (line: string) => void): void {
  stream.on('error', () => {})
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', keep)
}

function waitForEnd(child: ChildProcess): Promise<ProcessExit> {
  return new Promise(resolve => {
    child.once('error', error => {
      // An error of kill() on a running child comes here too; only a child without a pid never started.
      if (child.pid === undefined) resolve({ code: null, signal: null, error })
    })
    // The pipes close when the last line is read, unless a grandchild still holds them: that must not hide the end for long.
    child.once('exit', (code, signal) => {
      const end = () => resolve({ code, signal })
      const held = setTimeout(end, longestDrain)
      child.once('close', () => {
        clearTimeout(held)
        end()
      })
    })
  })
}
