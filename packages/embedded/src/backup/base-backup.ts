import { createHash } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { Client } from 'pg'
import { writeSmallFile } from '../small-file.ts'
import { type CopiedFile, copyFile } from './copy-file.ts'
import type { FileList } from './file-list.ts'
import { filesAtOnce, inParallel } from './in-parallel.ts'
import { syncDirectory } from './sync-directory.ts'

/** What PostgreSQL makes anew when it starts, or must not find there ("Making a Base Backup Using the Low Level API" in its manual). */
const leftOut = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'pg_internal.init',
  'backup_label',
  'tablespace_map',
  'backup_label.old',
  'tablespace_map.old',
])
const leftEmpty = new Set([
  'pg_wal',
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])

export interface BaseBackupOptions {
  /** The running server, as its superuser. */
  readonly url: string
  /** Its data directory, and the new directory that it is copied to. */
  readonly from: string
  readonly to: string
  readonly files: FileList
  readonly signal: AbortSignal
}

export interface BaseBackup {
  readonly version: string
  /** Where in the write-ahead log it begins and ends. */
  readonly start: string
  readonly stop: string
}

/**
 * Copies a PostgreSQL cluster while it serves: every file as it is when its turn comes, and the write-ahead log from before the first to behind the last of
 * them, by which the first start of the copy makes one state of them, that of the end. A temporary slot keeps that part of the log from being recycled, and
 * is gone with the connection, however that ends; so is the server's knowledge of the backup.
 */
export async function baseBackup({ url, from, to, files, signal }: BaseBackupOptions): Promise<BaseBackup> {
  const client = new Client({ connectionString: url, application_name: 'artifact-store backup' })
  const lost = new AbortController()
  client.on('error', error => lost.abort(error))
  await client.connect()
  try {
    const either = AbortSignal.any([signal, lost.signal])
    await client.query(`select pg_create_physical_replication_slot('artifact_store_backup_' || pg_backend_pid(), true, true)`)
    const { rows: started } = await client.query<{ lsn: string; wal: string; version: string }>(
      `select lsn::text, pg_walfile_name(lsn) as wal, current_setting('server_version') as version
         from pg_backup_start('artifact-store', fast => true) as lsn`,
    )
    const start = only(started)
    await copyTree(from, to, '', { files, signal: either })
    const { rows: stopped } = await client.query<{ lsn: string; labelfile: string; spcmapfile: string }>(
      'select lsn::text, labelfile, spcmapfile from pg_backup_stop(wait_for_archive => false)',
    )
    const stop = only(stopped)
    if (stop.spcmapfile.trim() !== '')
      throw new ArtifactError(
        'configuration',
        'the database has tablespaces outside of its directory, which this backup does not reach: use pg_basebackup',
      )
    await writeSmallFile(join(to, 'backup_label'), stop.labelfile)
    await files.add('backup_label', describe(stop.labelfile))
    // The position is the end of the last record: where it is the first of a segment, that record is in the one before.
    const { rows: last } = await client.query<{ wal: string }>('select pg_walfile_name($1::pg_lsn - 1) as wal', [stop.lsn])
    await copyWal(from, to, { first: start.wal, last: only(last).wal, files, signal: either })
    return { version: start.version, start: start.lsn, stop: stop.lsn }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Everything below `path` of the cluster, each directory flushed behind its files. */
async function copyTree(from: string, to: string, path: string, work: { files: FileList; signal: AbortSignal }): Promise<void> {
  await mkdir(join(to, path), { mode: 0o700 })
  const entries = await readdir(join(from, path), { withFileTypes: true }).catch((error: unknown) => {
    // A database that was dropped meanwhile.
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  const wanted = entries.filter(({ name }) => !leftOut.has(name) && !name.startsWith('pgsql_tmp'))
  const below = (name: string) => (path === '' ? name : `${path}/${name}`)
  await inParallel(
    wanted.filter(entry => entry.isFile()),
    filesAtOnce,
    async ({ name }) => {
      work.signal.throwIfAborted()
      // One that is gone by now was removed by what the write-ahead log says too.
      const copied = await copyFile(join(from, below(name)), join(to, below(name)), work.signal)
      if (copied) await work.files.add(below(name), copied)
    },
  )
  for (const { name } of wanted.filter(entry => entry.isDirectory())) {
    if (leftEmpty.has(below(name))) await makeEmpty(to, below(name))
    else await copyTree(from, to, below(name), work)
  }
  await syncDirectory(join(to, path))
}

async function makeEmpty(to: string, path: string): Promise<void> {
  await mkdir(join(to, path), { mode: 0o700 })
  if (path === 'pg_wal') for (const name of ['archive_status', 'summaries']) await mkdir(join(to, path, name), { mode: 0o700 })
}

/** The segments from the one that the backup began in to the one that it ended in; their names sort as they follow each other on one timeline. */
async function copyWal(
  from: string,
  to: string,
  { first, last, files, signal }: { first: string; last: string; files: FileList; signal: AbortSignal },
): Promise<void> {
  const names = (await readdir(join(from, 'pg_wal')))
    .filter(name => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last)
    .sort()
  if (names[0] !== first || names.at(-1) !== last)
    throw new ArtifactError(
      'backend-unavailable',
      `the write-ahead log from ${first} to ${last} is not there any more, so the backup would be of no use: make it again`,
    )
  for (const name of names) {
    const path = `pg_wal/${name}`
    const copied = await copyFile(join(from, path), join(to, path), signal)
    if (!copied) throw new ArtifactError('backend-unavailable', `${path} went away while it was copied: make the backup again`)
    await files.add(path, copied)
  }
  await syncDirectory(join(to, 'pg_wal'))
}

function describe(text: string): CopiedFile {
  const bytes = Buffer.from(text)
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function only<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new ArtifactError('internal', 'PostgreSQL answered a question about a backup with nothing')
  return row
}
