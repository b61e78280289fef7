import { randomUUID } from 'node:crypto'
import { logMigrations, migrate } from '@artifact-store/log'
import { dropPreviousViews, stateDigest, viewMigrations } from '@artifact-store/views'
import pg from 'pg'

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Makes it, with a log and views, unless it is there already. @returns its address. */
export async function makeDatabase(urlOf: (database: string) => string, name: string): Promise<string> {
  await withClient(urlOf('postgres'), async client => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) await client.query(`create database ${name} template template0 encoding 'UTF8'`)
  })
  await withClient(urlOf(name), client => migrate(client, [logMigrations, viewMigrations]))
  return urlOf(name)
}

/** Lets a peer work in a database of its own, which is dropped afterwards. */
export async function inFreshDatabase<T>(urlOf: (database: string) => string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `peer_${randomUUID().replaceAll('-', '')}`
  await withClient(urlOf('postgres'), client => client.query(`create database ${name}`))
  try {
    return await work(urlOf(name))
  } finally {
    await withClient(urlOf('postgres'), client => client.query(`drop database ${name} with (force)`))
  }
}

/** Empties them so that nothing is left of what they held, and has the server settle, so that no way pays for the one before. */
export function emptyViews(url: string): Promise<void> {
  return withClient(url, async client => {
    await dropPreviousViews(client)
    const { rows } = await client.query<{ tables: string }>(
      `select string_agg(format('views.%I', tablename), ', ') as tables from pg_tables where schemaname = 'views'`,
    )
    await client.query(`truncate ${rows[0]?.tables}`)
    await client.query('checkpoint')
  })
}

/** Where the views stand and what they say, as a text that is the same only for the same. */
export async function stateOf(url: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  try {
    const { position, digest } = await stateDigest(pool)
    return `${position} ${digest}`
  } finally {
    await pool.end()
  }
}
