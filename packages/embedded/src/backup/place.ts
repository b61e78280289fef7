import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'

/**
 * The layout of a directory of backups:
 *
 *     <directory>/
 *       2026-11-26T03-00-00.000Z/   a backup: it is whole, as it got this name at its very end
 *         manifest.json             what it is and what belongs to it
 *         files.ndjson              every file of the database, with its size and SHA-256
 *         database/                 the database cluster (PGDATA)
 *         kept/                     secrets.json and admin-token
 *       unfinished-<name>/          one that is being made, or whose making was interrupted
 *       blobs/                      the bytes, of all backups together, in a blob directory of the usual layout
 *       log-archive/                the archived part of the log, likewise
 */
export interface BackupPlace {
  readonly directory: string
  readonly blobs: string
  readonly logArchive: string
  /** A socket, by which one backup at a time is made. */
  readonly lock: string
}

export interface BackupLayout {
  readonly path: string
  readonly manifest: string
  readonly files: string
  readonly database: string
  readonly kept: string
}

export function backupPlace(directory: string): BackupPlace {
  return {
    directory,
    blobs: join(directory, 'blobs'),
    logArchive: join(directory, 'log-archive'),
    lock: join(directory, 'backup.sock'),
  }
}

export function backupLayout(path: string): BackupLayout {
  return {
    path,
    manifest: join(path, 'manifest.json'),
    files: join(path, 'files.ndjson'),
    database: join(path, 'database'),
    kept: join(path, 'kept'),
  }
}

/** The name of a backup that began at that time; a later one sorts behind it. */
export function backupName(time: Date): string {
  return time.toISOString().replaceAll(':', '-')
}

export function unfinishedName(name: string): string {
  return `unfinished-${name}`
}

/** What is in a directory of backups, from the oldest on. */
export async function listBackups(
  directory: string,
): Promise<{ readonly whole: readonly string[]; readonly unfinished: readonly string[] }> {
  try {
    const names = (await readdir(directory)).sort()
    return { whole: names.filter(name => grammar.test(name)), unfinished: names.filter(name => name.startsWith('unfinished-')) }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new ArtifactError('configuration', `there is no directory ${directory}: give the one that backups were made in`, {
      cause: error,
    })
  }
}

const grammar = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z$/
