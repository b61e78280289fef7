import { spawn } from 'node:child_process'

/** Runs a command of the workspace with its output shown. @returns its exit code; 1 where a signal ended it. */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}
