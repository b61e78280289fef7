import type { Queryable } from '@artifact-store/log'
import type { QueryConfig } from 'pg'
import { arrayParameter } from './array-parameter.ts'
import type { PgTable } from './drizzle.ts'
import { type Columns, namesOf, tableShape } from './table-shape.ts'
import type { Key } from './view.ts'

export type Row = Record<string, unknown>

/** The rows of one table in the database, many at a time. */
export interface StoredRows {
  /** How many columns the primary key has. */
  readonly keyLength: number
  /** The values of the primary key. */
  keyOf(row: Row): Key
  /** @returns those of the rows with these keys that there are, and how many characters they came as. */
  read(connection: Queryable, keys: readonly Key[]): Promise<{ readonly rows: readonly Row[]; readonly characters: number }>
  /** The statements that put rows into the place of those with the same keys, if there are any. No two may have one key. */
  upserts(rows: readonly Row[]): QueryConfig[]
  /** The same for rows whose keys are known to be there, which costs the database less. */
  updates(rows: readonly Row[]): QueryConfig[]
  /** The statements that delete every row whose key is, or begins with, one of these. */
  deletions(keys: readonly Key[]): QueryConfig[]
  /** The statement that deletes every row. */
  readonly deletionOfAll: QueryConfig
}

// Enough that a statement's own cost does not count; each is held in memory on both sides.
const rowsInStatement = 5000

/** @param schema where the table stands, if not where the live one does. */
export function storedRows(table: PgTable, schema?: string): StoredRows {
  const { name, columns, keyColumns } = tableShape(table, schema)
  const dataColumns = columns.filter(([, column]) => !keyColumns.some(([, key]) => key.name === column.name))
  const select = `select ${columns.map(([property, column]) => `t.${column.name} as "${property}"`).join(', ')}
    from ${name} t join unnest(${arrayParameters(keyColumns)}) as k(${namesOf(keyColumns)}) using (${namesOf(keyColumns)})`
  // Arrays of one length in a list of columns are unnested side by side, row by row; in `from` each would first be unnested to its end.
  const given = columns.map(([, column], i) => `unnest($${i + 1}::${column.getSQLType()}[]) as ${column.name}`).join(', ')
  const upsert = `insert into ${name} (${namesOf(columns)}) select ${given}
    on conflict (${namesOf(keyColumns)}) do update set ${dataColumns.map(([, c]) => `${c.name} = excluded.${c.name}`).join(', ')}`
  const update = `update ${name} t set ${dataColumns.map(([, c]) => `${c.name} = k.${c.name}`).join(', ')}
    from (select ${given}) k where ${keyColumns.map(([, c]) => `t.${c.name} = k.${c.name}`).join(' and ')}`

  function write(rows: readonly Row[], statement: { readonly name: string; readonly text: string }): QueryConfig[] {
    const statements: QueryConfig[] = []
    for (let at = 0; at < rows.length; at += rowsInStatement) {
      const some = rows.slice(at, at + rowsInStatement)
      const valuesOf = (property: string) => some.map(row => row[property])
      const values = columns.map(([property, column]) => arrayParameter(column, valuesOf(property)))
      statements.push({ ...statement, values })
    }
    return statements
  }

  return {
    keyLength: keyColumns.length,
    keyOf: row => keyColumns.map(([property]) => String(row[property])),
    async read(connection, keys) {
      let characters = 0
      if (keys.length === 0) return { rows: [], characters }
      const values = keyColumns.map((_, i) => keys.map(key => key[i]))
      const { rows } = await connection.query<Row>({ name: `${name}-read`, text: select, values, types: asText })
      for (const row of rows) {
        for (const [property, column] of columns) {
          const text = row[property]
          if (typeof text !== 'string') continue
          characters += text.length
          row[property] = column.mapFromDriverValue(text)
        }
      }
      return { rows, characters }
    },
    upserts: rows => write(rows, { name: `${name}-upsert`, text: upsert }),
    updates: rows => write(rows, { name: `${name}-update`, text: update }),
    deletions(keys) {
      return [...Map.groupBy(keys, key => key.length)].map(([length, alike]) => {
        const given = keyColumns.slice(0, length)
        const matches = given.map(([, c]) => `t.${c.name} = k.${c.name}`).join(' and ')
        return {
          name: `${name}-delete-${length}`,
          text: `delete from ${name} t using unnest(${arrayParameters(given)}) as k(${namesOf(given)}) where ${matches}`,
          values: given.map((_, i) => alike.map(key => key[i])),
        }
      })
    },
    // Not truncate: that locks readers out, and those that read a snapshot would find nothing in it.
    deletionOfAll: { text: `delete from ${name}` },
  }
}

// The lengths of texts tell how much memory a row takes, which values do not.
const asText = { getTypeParser: () => (text: string) => text }

function arrayParameters(columns: Columns): string {
  return columns.map(([, column], i) => `$${i + 1}::${column.getSQLType()}[]`).join(', ')
}
