import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Program {
  /** Resolves when the program has printed that line; rejects when it ends before. */
  saidLine(line: string): Promise<void>
  /** All that it printed, once it has ended by itself and well. */
  output(): Promise<string>
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a program of `test/programs/` as a process of its own, perhaps with a limit on the size of the files that it writes. */
export function startProgram(
  name: string,
  args: readonly string[],
  limits: { readonly fileSizeLimitKiB?: number } = {},
): Program {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url))
  const blocks = limits.fileSizeLimitKiB === undefined ? 'unlimited' : String(limits.fileSizeLimitKiB * 2)
  // POSIX: `ulimit -f` counts blocks of 512 bytes; sh, not bash, which counts 1,024.
  const child = spawn('sh', ['-c', `ulimit -f ${blocks} && exec "$@"`, 'sh', process.execPath, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const closed = once(child, 'close')

  return {
    async saidLine(line) {
      while (!printed.split('\n').includes(line)) {
        const ended = await Promise.race([once(child.stdout, 'data').then(() => false), closed.then(() => true)])
        if (ended) throw new Error(`${name} ended before it said "${line}": ${complaints}`)
      }
    },
    async output() {
      await closed
      if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${complaints}`)
      return printed
    },
    async kill(signal) {
      child.kill(signal)
      await closed
    },
  }
}
