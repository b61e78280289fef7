import { getTableColumns, getTableConfig, type PgColumn, type PgTable } from './drizzle.ts'

/** Some columns of a table, each with the property that drizzle gives it. */
export type Columns = readonly (readonly [property: string, column: PgColumn])[]

/** Where the views that are read stand; a rebuild makes others beside them. */
export const liveSchema = 'views'

/** What SQL about a whole table is made of. */
export interface TableShape {
  /** With its schema. */
  readonly name: string
  readonly columns: Columns
  /** Those of the primary key, in the order of the table's columns. */
  readonly keyColumns: Columns
}

/** @param schema where the table stands, if not where the live one does. */
export function tableShape(table: PgTable, schema = liveSchema): TableShape {
  const { name, primaryKeys } = getTableConfig(table)
  const columns = Object.entries(getTableColumns(table))
  const composite = primaryKeys[0]?.columns.map(column => column.name)
  const isKey = (column: PgColumn) => (composite ? composite.includes(column.name) : column.primary)
  return { name: `${schema}.${name}`, columns, keyColumns: columns.filter(([, column]) => isKey(column)) }
}

/** `package_id, path` */
export function namesOf(columns: Columns): string {
  return columns.map(([, column]) => column.name).join(', ')
}
