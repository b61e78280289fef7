import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { artifact } from './cli.ts'
import { repository } from './deployment.ts'

/** Pushes the documents of this repository by the command line and pulls them into `directory`. @throws Error where they differ. */
export async function pushAndPull(store: { readonly url: string; readonly token: string }, directory: string): Promise<void> {
  const source = join(repository, 'docs')
  const pushed = (await artifact(store, 'push', source, '--name', 'compose/docs', '--kind', 'evidence')) as {
    readonly id: string
  }
  await artifact(store, 'pull', pushed.id, join(directory, 'pulled'))
  await promisify(execFile)('diff', ['--recursive', source, join(directory, 'pulled')])
}
