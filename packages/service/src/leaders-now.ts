import type { QueryConfig, QueryResult, QueryResultRow } from 'pg'
import { leaderLocks } from './leadership.ts'

export type Led = Readonly<Record<keyof typeof leaderLocks, boolean>>

/** What is led at this moment by some process of this database, as its locks say. `viewTasks` is led only while there is one. */
export async function leadersNow(connection: Connection): Promise<Led> {
  // A lock of one number is shown as its two halves, with 1 beside them.
  const { rows } = await connection.query<{ key: string }>({
    name: 'leaders-now',
    text: `select ((l.classid::bigint << 32) | l.objid::bigint)::text as key
             from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and d.datname = current_database()`,
  })
  const held = new Set(rows.map(({ key }) => Number(key)))
  const led = (lock: keyof typeof leaderLocks) => held.has(leaderLocks[lock])
  return { relay: led('relay'), projection: led('projection'), viewTasks: led('viewTasks'), archive: led('archive') }
}

/** A pool or a client of `pg`. */
interface Connection {
  query<Row extends QueryResultRow>(query: QueryConfig): Promise<QueryResult<Row>>
}
