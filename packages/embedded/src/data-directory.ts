import { mkdir, readdir, realpath, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { writeSmallFile } from './small-file.ts'

/** Where everything in the data directory lies. */
export interface DataDirectory {
  readonly path: string
  /** PostgreSQL's own (PGDATA). */
  readonly postgres: string
  readonly nats: string
  readonly blobs: string
  /** The archived part of the log; apart from the blobs, so that nobody who collects those comes by. */
  readonly logArchive: string
  /** The first admin token, mode 0600. */
  readonly adminToken: string
  /** The broker's address with user and password, for subscribers; mode 0600. */
  readonly natsUrl: string
  /** The passwords between the processes, mode 0600. */
  readonly secrets: string
  /** The ports that the last run took, so that the next one takes them again. */
  readonly ports: string
  /** The processes of the last run. */
  readonly processes: string
  readonly lock: string
}

/** Below this a first start would break off in the middle: a new cluster takes about 50 MB. */
const leastFreeBytes = 100 * 1_048_576

/**
 * Makes the directory (mode 0700) if it is not there, and proves that it can be written to.
 * @throws ArtifactError `storage-full`, or `configuration` when it cannot be made or written.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  try {
    await makeDirectory(path)
    const real = await realpath(path)
    const probe = join(real, '.writable')
    await writeSmallFile(probe, 'x'.repeat(65_536))
    await rm(probe)
    await requireSpace(real)
    return layout(real)
  } catch (error) {
    throw dataDirectoryError(path, error) ?? error
  }
}

/**
 * The data directory of a store that was started before; nothing is made.
 * @throws ArtifactError `configuration` when there is none
 */
export async function existingDataDirectory(path: string): Promise<DataDirectory> {
  try {
    const data = layout(await realpath(path))
    if ((await readdir(data.path)).includes('postgres')) return data
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw dataDirectoryError(path, error) ?? error
  }
  throw new ArtifactError('configuration', `there is no store in ${path}: set ARTIFACT_STORE_DATA to its data directory`, {
    details: { path },
  })
}

/** The sentence for a file system error in the data directory, or undefined when it is about something else. */
export function dataDirectoryError(path: string, error: unknown): ArtifactError | undefined {
  const options = { cause: error, details: { path } }
  if (isElsewhere(path, error)) return undefined
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG'))
    return new ArtifactError(
      'storage-full',
      `no space is left in ${path}: free some there, or set ARTIFACT_STORE_DATA to another directory`,
      options,
    )
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new ArtifactError(
      'configuration',
      `${path} cannot be written to by this user: change its permissions, or set ARTIFACT_STORE_DATA to another directory`,
      options,
    )
  }
  if (isErrno(error, 'EEXIST', 'ENOTDIR', 'ENOENT', 'ENAMETOOLONG')) {
    return new ArtifactError(
      'configuration',
      `${path} cannot be a data directory, because a part of that path is not a directory: set ARTIFACT_STORE_DATA to another one`,
      options,
    )
  }
  return undefined
}

function layout(path: string): DataDirectory {
  return {
    path,
    postgres: join(path, 'postgres'),
    nats: join(path, 'nats'),
    blobs: join(path, 'blobs'),
    logArchive: join(path, 'log-archive'),
    adminToken: join(path, 'admin-token'),
    natsUrl: join(path, 'nats-url'),
    secrets: join(path, 'secrets.json'),
    ports: join(path, 'ports.json'),
    processes: join(path, 'processes.json'),
    lock: join(path, 'supervisor.sock'),
  }
}

/** Asked before the first start only: later, reading and freeing must stay possible on a full disk. */
async function requireSpace(path: string): Promise<void> {
  if ((await readdir(path)).includes('postgres')) return
  const { bavail, blocks, bsize } = await statfs(path)
  if (blocks === 0 || bavail * bsize >= leastFreeBytes) return
  const free = Math.floor((bavail * bsize) / 1_048_576)
  throw new ArtifactError(
    'storage-full',
    `only ${free} MB are free in ${path} and a first start needs 100: free some there, or set ARTIFACT_STORE_DATA to another directory`,
    {
      details: { path, free },
    },
  )
}

/** Not `mkdir` with `recursive`: where the system answers ENOENT in a directory that exists, as /proc does, that one never ends. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (isErrno(error, 'EEXIST') && (await stat(path)).isDirectory()) return
    if (!isErrno(error, 'ENOENT')) throw error
    const parent = dirname(path)
    if (parent === path) throw error
    await makeDirectory(parent)
    await mkdir(path, { mode: 0o700 })
  }
}

/** An error names its path; one that lies neither in the data directory nor above it is about something else. */
function isElsewhere(path: string, error: unknown): boolean {
  if (!(error instanceof Error && 'path' in error && typeof error.path === 'string')) return false
  return !error.path.startsWith(path) && !path.startsWith(error.path)
}
