import type { Pool, PoolClient } from 'pg'
import { drizzle, type NodePgDatabase } from './drizzle.ts'

/**
 * Settings of a session that reads views. No query wants a whole table, and a plan that is kept (`prepared.ts`) may have been made while the tables were empty:
 * then it would be read from end to end until statistics come, which takes a minute.
 */
export const viewsSession = { enable_seqscan: 'off' } as const

/** The views, read by typed queries. */
export type ViewsDatabase = NodePgDatabase

export function viewsDatabase(connection: Pool | PoolClient): ViewsDatabase {
  return drizzle(connection)
}
