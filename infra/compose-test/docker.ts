import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface DockerOptions {
  readonly env?: Readonly<Record<string, string>> | undefined
  /** How long it may take, in milliseconds; two minutes where nothing is said. */
  readonly timeout?: number | undefined
}

/** Runs docker to its end. @returns what it wrote to its standard output. @throws Error with the command and what it complained of. */
export async function docker(args: readonly string[], { env = {}, timeout = 120_000 }: DockerOptions = {}): Promise<string> {
  try {
    const limits = { timeout, maxBuffer: 64 * 1024 * 1024 }
    const { stdout } = await promisify(execFile)('docker', [...args], { ...limits, env: { ...process.env, ...env } })
    return stdout
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim().split('\n').slice(-12).join('\n') : ''
    throw new Error(`docker ${args.join(' ')} failed: ${said}`, { cause })
  }
}

/** What an engine with Compose is missing here; undefined where all of it is there. */
export async function whatIsMissing(): Promise<string | undefined> {
  const answers = async (...args: string[]) =>
    docker(args).then(
      output => output.trim(),
      () => undefined,
    )
  if ((await answers('--version')) === undefined) return 'the docker command'
  if ((await answers('info')) === undefined) return 'a Docker engine that answers'
  if ((await answers('compose', 'version')) === undefined) return 'Docker Compose 2.24 or later (docker compose)'
  return undefined
}
