import { blake3Stream, type Digest } from '@artifact-store/core'
import type { Pool, PoolClient } from 'pg'
import { viewsPosition } from './position.ts'
import { registryViews } from './registry.ts'
import { liveSchema, namesOf, type TableShape, tableShape } from './table-shape.ts'
import { inTransaction } from './transaction.ts'

/** What the views hold at a position of the log, as one digest. */
export interface StateDigest {
  readonly position: number
  readonly digest: Digest
}

/**
 * BLAKE3 over every row of every view, in the order of the views and of their keys, read in one snapshot. Two states at one position
 * with one digest are the same, byte for byte.
 */
export function stateDigest(pool: Pool, schema = liveSchema): Promise<StateDigest> {
  return inTransaction(
    pool,
    client => digestWithin(client, schema),
    'begin transaction isolation level repeatable read read only',
  )
}

async function digestWithin(client: PoolClient, schema: string): Promise<StateDigest> {
  // The text of a row must not depend on the session's settings.
  await client.query(`set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'; set local extra_float_digits = 1;
                      set local intervalstyle = 'iso_8601'; set local bytea_output = 'hex'`)
  const position = await viewsPosition(client, schema)
  const hash = await blake3Stream()
  for (const { table } of registryViews) {
    const shape = tableShape(table, schema)
    hash.update(`${shape.name}\n`)
    for await (const row of rowsAsText(client, shape)) hash.update(`${row}\n`)
  }
  return { position, digest: hash.digest() }
}

const rowsAtOnce = 5000

async function* rowsAsText(client: PoolClient, { name, keyColumns }: TableShape): AsyncGenerator<string> {
  await client.query(
    `declare state_rows no scroll cursor for select t::text as row from ${name} t order by ${namesOf(keyColumns)}`,
  )
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`fetch ${rowsAtOnce} from state_rows`)
    for (const { row } of rows) yield row
    if (rows.length < rowsAtOnce) break
  }
  await client.query('close state_rows')
}
