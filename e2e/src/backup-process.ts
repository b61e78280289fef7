import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { plainEnvironment } from './environment.ts'
import { repository } from './repository.ts'

/** `npm run backup` or `npm run restore`, as a process of its own. */
export interface BackupProcess {
  readonly child: ChildProcess
  /** What it says on stderr. */
  readonly lines: readonly string[]
  /** Its exit code, and what it printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string }>
  /** Resolves when it has said such a line, or has ended. */
  said(pattern: RegExp): Promise<void>
}

export function startBackup(command: 'backup' | 'restore', directory: string, dataDirectory: string): BackupProcess {
  const child = spawn(process.execPath, [join(repository, 'scripts', `${command}.ts`), directory], {
    env: { ...plainEnvironment(), ARTIFACT_STORE_DATA: dataDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  const reader = createInterface({ input: child.stderr }).on('line', line => lines.push(line))
  const ended = new Promise<{ code: number | null; stdout: string }>(resolve =>
    child.once('close', code => resolve({ code, stdout: stdout.trim() })),
  )
  return {
    child,
    lines,
    ended,
    async said(pattern) {
      const heard = new Promise<void>(resolve => reader.on('line', line => void (pattern.test(line) && resolve())))
      if (!lines.some(line => pattern.test(line))) await Promise.race([heard, ended])
    },
  }
}

/** Runs it to its end. */
export async function runBackup(command: 'backup' | 'restore', directory: string, dataDirectory: string) {
  const { ended, lines } = startBackup(command, directory, dataDirectory)
  return { ...(await ended), stderr: lines.join('\n') }
}
