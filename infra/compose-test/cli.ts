import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './deployment.ts'

/** Where a store is, and what it takes to use it. */
export interface Store {
  readonly url: string
  readonly token: string
}

/** Runs the artifact command of this repository against a store. @returns what it prints. @throws Error with its words when it fails. */
export async function artifact(store: Store, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, ARTIFACT_STORE_URL: store.url, ARTIFACT_STORE_TOKEN: store.token }
  const command = [join(repository, 'packages', 'cli', 'src', 'main.ts'), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { env, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** The document that a command prints with `--json`. */
export async function artifactJson(store: Store, ...args: readonly string[]): Promise<unknown> {
  return JSON.parse(await artifact(store, ...args, '--json'))
}
