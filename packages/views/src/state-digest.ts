import { blake3Stream, type Digest } from '@artifact-store/core'
import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Pool } from 'pg'
import { registryViews } from './registry.ts'
import { registryProjection } from './schema.ts'

/** What the views hold at a position of the log, as one digest. */
export interface StateDigest {
  readonly position: number
  readonly digest: Digest
}

/**
 * BLAKE3 over every row of every view, in the order of the views and of their keys, read in one snapshot. Two states at one position
 * with one digest are the same, byte for byte.
 */
export async function stateDigest(pool: Pool): Promise<StateDigest> {
  const client = await pool.connect()
  try {
    await client.query('begin transaction isolation level repeatable read read only')
    // The text of a row must not depend on the session's settings.
    await client.query(
      "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1; set local intervalstyle = 'iso_8601'",
    )
    const checkpoint = await client.query<{ position: string | number }>(
      'select position from views.checkpoints where projection = $1',
      [registryProjection],
    )
    const hash = await blake3Stream()
    for (const { table } of registryViews) {
      const config = getTableConfig(table)
      const keys = config.primaryKeys[0]?.columns ?? config.columns.filter(column => column.primary)
      hash.update(`${config.name}\n`)
      await client.query(
        `declare state no scroll cursor for select t::text as row from views.${config.name} t order by ${keys.map(k => k.name).join(', ')}`,
      )
      for (;;) {
        const { rows } = await client.query<{ row: string }>('fetch 5000 from state')
        for (const { row } of rows) hash.update(`${row}\n`)
        if (rows.length < 5000) break
      }
      await client.query('close state')
    }
    await client.query('commit')
    return { position: Number(checkpoint.rows[0]?.position ?? 0), digest: hash.digest() }
  } finally {
    client.release()
  }
}
