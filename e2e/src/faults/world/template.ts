import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPostgres } from '@artifact-store/embedded'
import { logMigrations, migrate } from '@artifact-store/log'
import { uploadMigrations } from '@artifact-store/uploads'
import { viewMigrations } from '@artifact-store/views'
import { Client } from 'pg'

/** The databases of a cluster. Either of the first two is that of the system under test, and a third is for a replay of its log. */
export const databases = {
  /** As it is in production. */
  usual: 'artifact_store',
  /** With partitions so small that a run comes to the ends of many. */
  smallPartitions: 'artifact_store_small',
  replay: 'replayed',
} as const
/** How many events a small partition holds. */
export const smallPartition = 40
/** The password of the superuser and of every role: none of it is kept. */
export const databasePassword = 'faults'

/** A PostgreSQL cluster that is migrated and has never been used, of which each run gets a copy. */
export interface Template {
  /** The directory must not exist, or be empty. */
  copyTo(directory: string): Promise<void>
}

export async function makeTemplate(directory: string): Promise<Template> {
  const cluster = join(directory, 'postgres-template')
  const server = await startPostgres({ directory: cluster, password: databasePassword, settings: { fsync: 'off' } })
  try {
    for (const database of Object.values(databases)) {
      await withClient(server.url('postgres'), client => client.query(`create database ${database}`))
      await withClient(server.url(database), client => migrate(client, [logMigrations, viewMigrations, uploadMigrations]))
    }
    await withClient(server.url(databases.smallPartitions), makePartitionsSmall)
    await withClient(server.url('postgres'), async client => {
      for (const role of ['log_writer', 'projector', 'gateway'])
        await client.query(`alter role ${role} login password '${databasePassword}'`)
    })
  } finally {
    await server.stop()
  }
  return {
    async copyTo(target) {
      await promisify(execFile)('cp', ['-R', '-p', `${cluster}/.`, target])
    },
  }
}

/** Puts partitions of another size in the place of the first two, of an empty log. */
async function makePartitionsSmall(superuser: Client): Promise<void> {
  const { rows } = await superuser.query<{ name: string }>('select first_sequence::text as name from log.partitions')
  for (const { name } of rows) await superuser.query(`alter table log.events detach partition log.events_${name}`)
  for (const { name } of rows) if (name !== '1') await superuser.query(`drop table log.events_${name}`)
  await superuser.query(`alter table log.events attach partition log.events_1 for values from (1) to (${smallPartition + 1})`)
  await superuser.query('delete from log.partitions')
  await superuser.query('insert into log.partitions values (1, $1, 0)', [smallPartition])
}

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
