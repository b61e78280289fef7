import type { Pool, PoolClient } from 'pg'
import { viewsPosition } from './position.ts'
import { registryViews } from './registry.ts'
import { tableShape } from './table-shape.ts'
import { inTransaction } from './transaction.ts'

/** The views of one schema as they are at one moment: the position and every row that the client reads belong together. */
export interface ViewsSnapshot {
  readonly client: PoolClient
  readonly schema: string
  readonly position: number
}

/** Runs `work` on one snapshot of the views. While it lasts, no rebuild takes their place. */
export function readSnapshot<T>(pool: Pool, schema: string, work: (snapshot: ViewsSnapshot) => Promise<T>): Promise<T> {
  const begin = 'begin transaction isolation level repeatable read read only'
  return inTransaction(pool, client => readWithin(client, schema, work), begin)
}

async function readWithin<T>(client: PoolClient, schema: string, work: (snapshot: ViewsSnapshot) => Promise<T>): Promise<T> {
  // The text of a row must not depend on the session's settings.
  await client.query(`set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'; set local extra_float_digits = 1;
                      set local intervalstyle = 'iso_8601'; set local bytea_output = 'hex'`)
  // Before the first query, which takes the snapshot: of tables that came later it would not see the rows.
  const tables = registryViews.map(({ table }) => tableShape(table, schema).name)
  await client.query(`lock table ${[`${schema}.checkpoints`, ...tables].join(', ')} in access share mode`)
  return work({ client, schema, position: await viewsPosition(client, schema) })
}
