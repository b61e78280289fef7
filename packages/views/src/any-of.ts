import { type PgColumn, type Placeholder, type SQL, sql } from './drizzle.ts'

/** The column has one of these values. One parameter however many they are: a statement has at most 65,535. */
export function isAnyOf(column: PgColumn, values: readonly string[] | Placeholder): SQL {
  const list = isList(values) ? sql.param([...values]) : values
  return sql`${column} = any(${list}::${sql.raw(column.getSQLType())}[])`
}

function isList(values: readonly string[] | Placeholder): values is readonly string[] {
  return Array.isArray(values)
}
