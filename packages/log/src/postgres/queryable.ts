import type { QueryConfig, QueryResult, QueryResultRow } from 'pg'

/** What runs one statement: a pool, a client of one, or a client of its own. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>
}
