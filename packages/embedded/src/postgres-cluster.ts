import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { giveTo, type PostgresBinaries, type Runner } from './postgres-binaries.ts'
import { describeExit, spawnServer } from './server-process.ts'

export interface ClusterOptions {
  readonly directory: string
  readonly password: string
  /** False where the data may be lost, as in tests. */
  readonly durable: boolean
  readonly signal?: AbortSignal | undefined
  readonly log?: ((line: string) => void) | undefined
}

/** The environment of PostgreSQL's programs: no PG* variable of the caller, and messages in English, since some are read. */
export const postgresEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/** Whether PostgreSQL's own words are about a full disk: the system's error, or its hint after a write that was cut short. */
export function tellsOfFullDisk(output: string): boolean {
  return /No space left on device|Check free disk space/.test(output)
}

/** Whether the directory holds a finished cluster of the major version that is shipped.
 * @throws ArtifactError `configuration` when it is a cluster of another major version. */
export async function hasCluster(directory: string): Promise<boolean> {
  try {
    const version = (await readFile(join(directory, 'PG_VERSION'), 'utf8')).trim()
    if (version === '18') return true
    throw new ArtifactError(
      'configuration',
      `${directory} was made by PostgreSQL ${version} and this is 18: export the data with the old one, or choose another directory`,
    )
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * Makes a cluster: superuser `postgres` with the password, scram-sha-256 for everyone, UTF8, C collation, page checksums.
 * It is built beside its place and renamed into it, so that a killed initdb leaves nothing that looks like a cluster.
 * @throws ArtifactError `storage-full`, or `backend-unavailable` with the last lines of initdb.
 */
export async function makeCluster(binaries: PostgresBinaries, runner: Runner, options: ClusterOptions): Promise<void> {
  const { directory, password, durable, signal, log } = options
  const parent = dirname(directory)
  await mkdir(parent, { recursive: true, mode: 0o700 })
  await removeUnfinished(directory)
  // A name of its own each time: an initdb that outlived its killed parent may still be writing to the last one.
  const building = `${directory}.new-${randomBytes(6).toString('hex')}`
  const passwordFile = `${building}.password`
  await mkdir(building, { mode: 0o700 })
  await giveTo(runner, building)
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
  const args = [
    '-D',
    building,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
  ]
  if (!durable) args.push('--no-sync')
  const initdb = spawnServer({ ...runner.wrap(binaries.initdb, args), env: postgresEnvironment, cwd: parent })
  const abort = () => initdb.signal('SIGTERM')
  signal?.addEventListener('abort', abort, { once: true })
  const exit = await initdb.exited
  signal?.removeEventListener('abort', abort)
  if (exit.code !== 0) {
    await removeUnfinished(directory)
    signal?.throwIfAborted()
    throw initdbFailed(directory, describeExit(exit), initdb.lastLines())
  }
  await rm(passwordFile)
  await moveIntoPlace(building, directory)
  log?.(`made a new PostgreSQL cluster in ${directory}`)
}

async function moveIntoPlace(building: string, directory: string): Promise<void> {
  try {
    await rename(building, directory)
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error
    throw new ArtifactError(
      'configuration',
      `${directory} exists and is not a PostgreSQL cluster: move it away, or choose another data directory`,
      { cause: error },
    )
  }
  await using parent = await open(dirname(directory))
  await parent.sync()
}

async function removeUnfinished(directory: string): Promise<void> {
  const prefix = `${basename(directory)}.new`
  for (const name of await readdir(dirname(directory))) {
    if (name.startsWith(prefix))
      await rm(join(dirname(directory), name), { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

function initdbFailed(directory: string, how: string, lines: readonly string[]): ArtifactError {
  const output = lines.join('\n')
  if (tellsOfFullDisk(output)) {
    return new ArtifactError(
      'storage-full',
      `no space is left to make the database in ${directory}: free at least 100 MB there, or choose another data directory`,
      {
        details: { output },
      },
    )
  }
  const reason = lines.findLast(line => /error|fatal|failed|cannot|not /i.test(line)) ?? how
  return new ArtifactError('backend-unavailable', `PostgreSQL could not make its database in ${directory} (${how}): ${reason}`, {
    details: { output },
  })
}
