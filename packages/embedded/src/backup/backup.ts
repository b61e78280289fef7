import { mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type CopiedBlobs, copyBlobs, openFsBlobStore } from '@artifact-store/blobs'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { Client } from 'pg'
import { type DataDirectory, existingDataDirectory } from '../data-directory.ts'
import { databaseName } from '../database.ts'
import { lockDirectory } from '../instance-lock.ts'
import { openSecrets } from '../secrets.ts'
import { readSmallFile, writeSmallFile } from '../small-file.ts'
import { baseBackup } from './base-backup.ts'
import { FileList } from './file-list.ts'
import type { Manifest } from './manifest.ts'
import { type BackupLayout, backupLayout, backupName, backupPlace, listBackups, unfinishedName } from './place.ts'
import { type ServingDatabase, servingDatabase } from './serving-database.ts'
import { syncDirectory } from './sync-directory.ts'

export interface BackupOptions {
  readonly dataDirectory: string
  /** A directory of backups; made where it is not there. Not within the data directory. */
  readonly target: string
  readonly signal: AbortSignal
  /** Told what is done, a sentence at a time. */
  readonly say: (sentence: string) => void
}

export interface Backup {
  readonly path: string
  readonly manifest: Manifest
}

/**
 * Makes a backup of an embedded store while it serves, or of one that is stopped. The database first, then the bytes: no byte is named by the log before it
 * is durable, and none is ever removed, so the bytes, copied later, have all that the copied log names. Bytes that an earlier backup has are not copied
 * again. The backup gets its name when everything in it is durable; what was interrupted before is never taken for one.
 * @throws ArtifactError `configuration`, `storage-full`, `backend-unavailable`; the signal's reason
 */
export async function makeBackup({ dataDirectory, target, signal, say }: BackupOptions): Promise<Backup> {
  const data = await existingDataDirectory(dataDirectory)
  const place = backupPlace(resolve(target))
  if (`${place.directory}/`.startsWith(`${data.path}/`))
    throw new ArtifactError(
      'configuration',
      `${place.directory} lies in the data directory: give a place outside of it, best on another disk`,
    )
  await makeDirectory(place.directory)
  await using _lock = await lockDirectory(
    place.directory,
    place.lock,
    pid => `a backup is already being made in ${place.directory} (process ${pid}): wait until it has ended`,
  )
  for (const name of (await listBackups(place.directory)).unfinished)
    await rm(join(place.directory, name), { recursive: true, force: true })

  const startedAt = new Date()
  const name = backupName(startedAt)
  const unfinished = backupLayout(join(place.directory, unfinishedName(name)))
  await mkdir(unfinished.path, { mode: 0o700 })
  const { head, database } = await copyDatabase(data, unfinished, { signal, say })
  await keepSecrets(data, unfinished)
  say('the database is copied; the bytes follow')
  const blobs = await copyStore(data.blobs, place.blobs, { signal, say })
  const logArchive = await copyStore(data.logArchive, place.logArchive, { signal, say })
  const manifest: Manifest = {
    format: 1,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    head,
    database,
    blobs,
    logArchive,
  }
  await writeSmallFile(unfinished.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`)
  const path = join(place.directory, name)
  await rename(unfinished.path, path)
  await syncDirectory(place.directory)
  return { path, manifest }
}

async function copyDatabase(
  data: DataDirectory,
  to: BackupLayout,
  { signal, say }: Pick<BackupOptions, 'signal' | 'say'>,
): Promise<Pick<Manifest, 'head' | 'database'>> {
  // Reading alone: to make new ones would shut the owner of these out.
  if ((await readSmallFile(data.secrets)) === undefined) {
    throw new ArtifactError(
      'configuration',
      `there is no secrets.json in ${data.path}, and without it nobody can open its database: bring it back`,
    )
  }
  const { postgres: password } = await openSecrets(data)
  await using serving: ServingDatabase = await servingDatabase(data, password, { signal, say })
  const head = await headOf(serving.url(databaseName))
  await using files = await FileList.create(to.files)
  const { version, start, stop } = await baseBackup({
    url: serving.url(databaseName),
    from: data.postgres,
    to: to.database,
    files,
    signal,
  })
  return { head, database: { version, from: start, to: stop, ...(await files.finish()) } }
}

/** The last event that is committed, so that it is known what the backup has at least. */
async function headOf(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ head: string }>('select coalesce(max(sequence), 0)::text as head from log.events')
    return Number(rows[0]?.head ?? 0)
  } finally {
    await client.end()
  }
}

async function keepSecrets(data: DataDirectory, { kept, path }: BackupLayout): Promise<void> {
  await mkdir(kept, { mode: 0o700 })
  for (const [from, name] of [
    [data.secrets, 'secrets.json'],
    [data.adminToken, 'admin-token'],
  ] as const) {
    const text = await readSmallFile(from)
    if (text !== undefined) await writeSmallFile(join(kept, name), text)
  }
  await syncDirectory(path)
}

async function copyStore(
  from: string,
  to: string,
  { signal, say }: Pick<BackupOptions, 'signal' | 'say'>,
): Promise<Manifest['blobs']> {
  await using source = await openFsBlobStore({ directory: from })
  await using target = await openFsBlobStore({ directory: to })
  const onDamaged = (digest: string) => say(`${digest} is damaged in ${from} and was left out`)
  const { blobs, bytes, damaged, copied, copiedBytes }: CopiedBlobs = await copyBlobs(source, target, { signal, onDamaged })
  say(`${to} has ${blobs} blobs, ${copied} of them (${copiedBytes} bytes) are new`)
  return { blobs, bytes, damaged }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST', 'ENOTDIR', 'EACCES', 'EROFS', 'EPERM')) throw error
    throw new ArtifactError('configuration', `${path} cannot be made: give a directory that can be written to`, { cause: error })
  }
}
