import type { ViewsDatabase } from './database.ts'

/** A query of which the builder is asked once for each database, and the planner once for each of its connections. */
interface PreparedQuery<Row> {
  execute(values: Record<string, unknown>): Promise<Row[]>
}

/**
 * For queries of which there are thousands a second: building one costs more than running it. `build` names its values by `sql.placeholder(name)`
 * and ends with `.prepare(name)`, whose name no other query may have.
 */
export function preparedQuery<Row>(
  build: (db: ViewsDatabase) => PreparedQuery<Row>,
): (db: ViewsDatabase, values: Record<string, unknown>) => Promise<Row[]> {
  const built = new WeakMap<ViewsDatabase, PreparedQuery<Row>>()
  return (db, values) => {
    const known = built.get(db)
    if (known) return known.execute(values)
    const query = build(db)
    built.set(db, query)
    return query.execute(values)
  }
}
