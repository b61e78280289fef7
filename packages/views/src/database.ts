import type { Pool, PoolClient } from 'pg'
import { drizzle, type NodePgDatabase } from './drizzle.ts'

/** The views, read by typed queries. */
export type ViewsDatabase = NodePgDatabase

export function viewsDatabase(connection: Pool | PoolClient): ViewsDatabase {
  return drizzle(connection)
}
