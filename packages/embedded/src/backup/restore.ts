import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { copyBlobs, openFsBlobStore } from '@artifact-store/blobs'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { readSmallFile, writeSmallFile } from '../small-file.ts'
import { copyFile } from './copy-file.ts'
import { readFileList } from './file-list.ts'
import { filesAtOnce, inParallel } from './in-parallel.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { type BackupLayout, type BackupPlace, backupLayout, backupPlace, listBackups } from './place.ts'
import { syncDirectory } from './sync-directory.ts'

export interface RestoreOptions {
  /** A directory of backups, of which the newest is taken, or one backup in it. */
  readonly from: string
  /** Where the store is to be: not there, or empty. */
  readonly dataDirectory: string
  readonly signal: AbortSignal
  readonly say: (sentence: string) => void
}

/**
 * Makes a data directory from a backup; the next start brings the database to where the backup ended. Everything is proven on its way. It is made beside its
 * place and gets its name at the end, so that a restore that was interrupted leaves nothing that looks like a store. The event stream is not in a backup: the
 * first start fills a new one from the log.
 * @throws ArtifactError `configuration` where the backup is none or the directory has something in it; `storage-full`; `blob-corrupt`
 */
export async function restoreBackup({ from, dataDirectory, signal, say }: RestoreOptions): Promise<Manifest> {
  const data = resolve(dataDirectory)
  await requireEmpty(data)
  const { place, backup } = await chooseBackup(resolve(from))
  const manifest = await readManifest(backup)
  say(`restoring ${backup.path}, which has at least the first ${manifest.head} events`)
  await mkdir(dirname(data), { recursive: true, mode: 0o700 })
  const building = await mkdtemp(join(dirname(data), `.${basename(data)}.restoring-`))
  try {
    await restoreDatabase(backup, manifest, join(building, 'postgres'), signal)
    for (const name of ['secrets.json', 'admin-token']) {
      const text = await readSmallFile(join(backup.kept, name))
      if (text !== undefined) await writeSmallFile(join(building, name), text)
    }
    say('the database is in place; the bytes follow')
    await restoreStore(place.blobs, join(building, 'blobs'), signal)
    await restoreStore(place.logArchive, join(building, 'log-archive'), signal)
    await moveIntoPlace(building, data)
  } catch (error) {
    await rm(building, { recursive: true, force: true })
    throw error
  }
  return manifest
}

async function chooseBackup(path: string): Promise<{ place: BackupPlace; backup: BackupLayout }> {
  if ((await readSmallFile(join(path, 'manifest.json'))) !== undefined)
    return { place: backupPlace(dirname(path)), backup: backupLayout(path) }
  if (basename(path).startsWith('unfinished-'))
    throw new ArtifactError(
      'configuration',
      `${path} is no whole backup: its making was interrupted. Choose another one in ${dirname(path)}`,
    )
  const { whole, unfinished } = await listBackups(path)
  const newest = whole.at(-1)
  if (newest !== undefined) return { place: backupPlace(path), backup: backupLayout(join(path, newest)) }
  throw new ArtifactError(
    'configuration',
    unfinished.length > 0
      ? `there is no whole backup in ${path}: the making of ${unfinished.join(', ')} was interrupted`
      : `there is no backup in ${path}: give the directory that backups were made in, or one of them`,
  )
}

async function restoreDatabase(backup: BackupLayout, { database }: Manifest, to: string, signal: AbortSignal): Promise<void> {
  const made = new Map<string, Promise<void>>()
  const make = (directory: string): Promise<void> => {
    const making = made.get(directory) ?? makeBelow(directory)
    made.set(directory, making)
    return making
  }
  const makeBelow = async (directory: string): Promise<void> => {
    if (directory !== to) await make(dirname(directory))
    await mkdir(directory, { mode: 0o700 })
  }
  let files = 0
  await inParallel(readFileList(backup.files, database.sha256), filesAtOnce, async ({ path, size, sha256 }) => {
    const target = join(to, path)
    await make(dirname(target))
    const copied = await copyFile(join(backup.database, path), target, signal)
    if (copied?.size !== size || copied.sha256 !== sha256) {
      throw new ArtifactError(
        'blob-corrupt',
        `${join(backup.database, path)} is ${copied ? 'not what it was when the backup was made' : 'gone'}: choose another backup`,
      )
    }
    files += 1
  })
  if (files !== database.files)
    throw new ArtifactError(
      'configuration',
      `${backup.files} names ${files} files instead of ${database.files}: choose another backup`,
    )
  // Directories without a file in them are part of a cluster too.
  for (const directory of await emptyDirectories(backup.database, '')) await make(join(to, directory))
  for (const directory of made.keys()) await syncDirectory(directory)
}

async function emptyDirectories(root: string, path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true })
  const below: string[] = path === '' ? [] : [path]
  for (const entry of entries) if (entry.isDirectory()) below.push(...(await emptyDirectories(root, join(path, entry.name))))
  return below
}

/** Everything that is in the store of the bytes: it may have been added to since, which does no harm. */
async function restoreStore(from: string, to: string, signal: AbortSignal): Promise<void> {
  await using source = await openFsBlobStore({ directory: from })
  await using target = await openFsBlobStore({ directory: to })
  const lost: string[] = []
  const { damaged } = await copyBlobs(source, target, {
    signal,
    onDamaged: digest => void (lost.length < 10 && lost.push(digest)),
  })
  if (damaged > 0)
    throw new ArtifactError(
      'blob-corrupt',
      `${damaged} blobs in ${from} are damaged, such as ${lost.join(', ')}: bring them back from a copy of the backup`,
    )
}

/** @throws ArtifactError `configuration` unless it is empty or not there */
async function requireEmpty(path: string): Promise<void> {
  try {
    const names = await readdir(path)
    if (names.length > 0)
      throw new ArtifactError(
        'configuration',
        `${path} is not empty: a backup is restored into a new directory, so move this one away or set ARTIFACT_STORE_DATA to another`,
      )
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

async function moveIntoPlace(building: string, data: string): Promise<void> {
  await syncDirectory(building)
  await rmdir(data).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
  })
  await rename(building, data)
  await syncDirectory(dirname(data))
}
