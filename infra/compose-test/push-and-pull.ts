import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { artifact, artifactJson, type Store } from './cli.ts'
import { repository } from './deployment.ts'

/** Pushes sources of this repository by the command line and pulls them into `directory`. @throws Error where they differ. */
export async function pushAndPull(store: Store, directory: string): Promise<void> {
  const source = join(repository, 'packages', 'core', 'src')
  const pushed = (await artifactJson(store, 'push', source, '--name', 'compose/sources', '--kind', 'evidence')) as {
    readonly id: string
  }
  await artifact(store, 'pull', pushed.id, join(directory, 'pulled'))
  await promisify(execFile)('diff', ['--recursive', source, join(directory, 'pulled')])
}
