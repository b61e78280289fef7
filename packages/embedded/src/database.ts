import { Client } from 'pg'

export const databaseName = 'artifact_store'

/** Makes the database if it is not there. The roles and what is in it are the migration's. */
export async function ensureDatabase(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (rowCount === 0) await client.query(`create database ${databaseName}`)
  } finally {
    await client.end()
  }
}
