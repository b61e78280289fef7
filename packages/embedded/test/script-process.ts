import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Runs a piece of TypeScript in a process of its own, to be killed as no test could kill itself. */
export function startScript(source: string): {
  readonly child: ChildProcess
  nextLine(): Promise<string>
  kill9(): Promise<void>
} {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    nextLine: async () => {
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the script ended without another line')
      return value
    },
    kill9: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The address of one of our own files, for an import in such a script. */
export function sourceUrl(file: string): string {
  return new URL(`../src/${file}`, import.meta.url).href
}
