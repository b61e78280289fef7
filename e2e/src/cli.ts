import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { plainEnvironment } from './environment.ts'
import { repository } from './repository.ts'
import type { RunningStore } from './running-store.ts'

export interface CliRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the `artifact` command, told by its environment which store it is for, as a CI job would be. */
export async function runCli(
  store: Pick<RunningStore, 'url' | 'token'>,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliRun> {
  const child = spawn(process.execPath, [join(repository, 'packages', 'cli', 'src', 'main.ts'), ...args], {
    env: { ...plainEnvironment(), ARTIFACT_STORE_URL: store.url, ARTIFACT_STORE_TOKEN: store.token, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

/** The JSON document that a command prints with `--json`. @throws Error with its words when it fails. */
export async function cliJson(store: Pick<RunningStore, 'url' | 'token'>, args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli(store, [...args, '--json'])
  if (code !== 0) throw new Error(`artifact ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}
