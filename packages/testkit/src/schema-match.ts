import { getTableConfig, type PgTable } from '@artifact-store/views/drizzle'
import type { Pool } from 'pg'
import { expect } from 'vitest'

/**
 * Holds drizzle's tables against the migrated database: the schemas that they are in have these tables and no other, with the
 * same columns, types, nullability and primary keys.
 */
export async function expectSchemaMatches(pool: Pool, tables: readonly PgTable[]): Promise<void> {
  const declared = Object.fromEntries(tables.map(describeDeclared))
  const schemas = [...new Set(tables.map(table => getTableConfig(table).schema ?? 'public'))]
  expect(declared).toEqual(await describeMigrated(pool, schemas))
}

interface TableShape {
  readonly columns: Readonly<Record<string, string>>
  readonly primaryKey: readonly string[]
}

function describeDeclared(table: PgTable): [string, TableShape] {
  const { schema = 'public', name, columns, primaryKeys } = getTableConfig(table)
  const composite = primaryKeys[0]?.columns.map(column => column.name)
  return [
    `${schema}.${name}`,
    {
      columns: Object.fromEntries(
        columns.map(c => [c.name, columnShape(c.getSQLType(), c.notNull || (composite?.includes(c.name) ?? false))]),
      ),
      primaryKey: composite ?? columns.filter(column => column.primary).map(column => column.name),
    },
  ]
}

async function describeMigrated(pool: Pool, schemas: readonly string[]): Promise<Record<string, TableShape>> {
  const { rows } = await pool.query<MigratedColumn>(
    `select format('%s.%s', n.nspname, c.relname) as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
            a.attnotnull as required, array_position(key.conkey, a.attnum) as key_position
       from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_constraint key on key.conrelid = c.oid and key.contype = 'p'
      where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition
      order by c.oid, a.attnum`,
    [schemas],
  )
  return Object.fromEntries(
    [...Map.groupBy(rows, row => row.table)].map(([table, columns]) => [
      table,
      {
        columns: Object.fromEntries(columns.map(c => [c.column, columnShape(c.type, c.required)])),
        primaryKey: columns
          .filter(c => c.key_position !== null)
          .sort((a, b) => (a.key_position ?? 0) - (b.key_position ?? 0))
          .map(c => c.column),
      },
    ]),
  )
}

interface MigratedColumn {
  readonly table: string
  readonly column: string
  readonly type: string
  readonly required: boolean
  readonly key_position: number | null
}

// drizzle writes `timestamp (3) with time zone`, PostgreSQL `timestamp(3) with time zone`.
function columnShape(type: string, required: boolean): string {
  return `${type.replace(' (', '(')}${required ? ' not null' : ''}`
}
