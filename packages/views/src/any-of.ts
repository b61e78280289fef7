import { type PgColumn, type SQL, sql } from './drizzle.ts'

/** The column has one of these values. One parameter however many they are: a statement has at most 65,535. */
export function isAnyOf(column: PgColumn, values: readonly string[]): SQL {
  return sql`${column} = any(${sql.param([...values])}::${sql.raw(column.getSQLType())}[])`
}
