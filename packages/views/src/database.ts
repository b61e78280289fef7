import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Pool, PoolClient } from 'pg'

/** The views, read by typed queries. */
export type ViewsDatabase = NodePgDatabase

export function viewsDatabase(connection: Pool | PoolClient): ViewsDatabase {
  return drizzle(connection)
}
