import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './deployment.ts'

/** Runs the artifact command of this repository against a store. @returns what it prints with `--json`. @throws Error with its words when it fails. */
export async function artifact(
  store: { readonly url: string; readonly token: string },
  ...args: readonly string[]
): Promise<unknown> {
  const env = { ...process.env, ARTIFACT_STORE_URL: store.url, ARTIFACT_STORE_TOKEN: store.token }
  const command = [join(repository, 'packages', 'cli', 'src', 'main.ts'), ...args, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, command, { env, maxBuffer: 64 * 1024 * 1024 })
  return JSON.parse(stdout)
}
