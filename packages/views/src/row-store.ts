import type { Queryable } from '@artifact-store/log'
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import type { Key, Rows } from './view.ts'

type Row = Record<string, unknown>

/**
 * The rows of one table while a batch is folded: what the batch reads is loaded at once, its changes are kept in memory, and
 * each row is written once however often it changed.
 */
export interface RowStore extends Rows<Row> {
  load(connection: Queryable, keys: readonly Key[]): Promise<void>
  flush(connection: Queryable): Promise<void>
}

export function createRowStore(table: PgTable, schema: string): RowStore {
  const { name, columns, keyColumns } = describe(table)
  const qualified = `${schema}.${name}`
  // undefined: known not to exist. A row that was put or deleted here is also in `changed`.
  const known = new Map<string, Row | undefined>()
  const changed = new Map<string, Key>()
  const prefixes: Key[] = []

  const keyOf = (row: Row): Key => keyColumns.map(([property]) => String(row[property]))
  const forget = (prefix: Key) => {
    const begin = mapKey(prefix)
    for (const key of known.keys()) if (key === begin || key.startsWith(`${begin}\u0000`)) known.set(key, undefined)
    for (const key of changed.keys()) if (key === begin || key.startsWith(`${begin}\u0000`)) changed.delete(key)
  }

  return {
    get: (...key) => known.get(mapKey(key)),
    put(row) {
      const key = keyOf(row)
      known.set(mapKey(key), row)
      changed.set(mapKey(key), key)
    },
    delete(...key) {
      known.set(mapKey(key), undefined)
      changed.set(mapKey(key), key)
    },
    deleteAll(...prefix) {
      forget(prefix)
      prefixes.push(prefix)
    },

    async load(connection, keys) {
      const wanted = new Map(keys.map(key => [mapKey(key), key]))
      if (wanted.size === 0) return
      for (const key of wanted.keys()) known.set(key, undefined)
      const list = [...wanted.values()]
      const { rows } = await connection.query<Row>({
        name: `${qualified}-load`,
        text: `select ${columns.map(([property, column]) => `t.${column.name} as "${property}"`).join(', ')}
                 from ${qualified} t join unnest(${arrayParameters(keyColumns)}) as k(${names(keyColumns)}) using (${names(keyColumns)})`,
        values: keyColumns.map((_, i) => list.map(key => key[i])),
      })
      for (const row of rows) {
        for (const [property, column] of columns)
          if (row[property] !== null) row[property] = column.mapFromDriverValue(row[property])
        known.set(mapKey(keyOf(row)), row)
      }
    },

    async flush(connection) {
      for (const prefix of prefixes) {
        const matches = prefix.map((_, i) => `${keyColumns[i]?.[1].name} = $${i + 1}`).join(' and ')
        await connection.query({ text: `delete from ${qualified} where ${matches}`, values: [...prefix] })
      }
      const deletes: Key[] = []
      const upserts: Row[] = []
      for (const [text, key] of changed) {
        const row = known.get(text)
        if (row) upserts.push(row)
        else deletes.push(key)
      }
      if (deletes.length > 0) {
        await connection.query({
          name: `${qualified}-delete`,
          text: `delete from ${qualified} t using unnest(${arrayParameters(keyColumns)}) as k(${names(keyColumns)})
                  where ${keyColumns.map(([, c]) => `t.${c.name} = k.${c.name}`).join(' and ')}`,
          values: keyColumns.map((_, i) => deletes.map(key => key[i])),
        })
      }
      if (upserts.length > 0) {
        const others = columns.filter(([, c]) => !keyColumns.some(([, k]) => k.name === c.name))
        await connection.query({
          name: `${qualified}-upsert`,
          text: `insert into ${qualified} (${names(columns)}) select * from unnest(${arrayParameters(columns)})
                 on conflict (${names(keyColumns)}) do update set ${others.map(([, c]) => `${c.name} = excluded.${c.name}`).join(', ')}`,
          values: columns.map(([property, column]) => upserts.map(row => driverValue(column, row[property]))),
        })
      }
      known.clear()
      changed.clear()
      prefixes.length = 0
    },
  }
}

/** Each column with the property that drizzle gives it. */
type Columns = readonly (readonly [property: string, column: PgColumn])[]

function describe(table: PgTable): { name: string; columns: Columns; keyColumns: Columns } {
  const config = getTableConfig(table)
  const columns = Object.entries(getTableColumns(table))
  const composite = config.primaryKeys[0]?.columns.map(column => column.name)
  const isKey = (column: PgColumn) => (composite ? composite.includes(column.name) : column.primary)
  return { name: config.name, columns, keyColumns: columns.filter(([, column]) => isKey(column)) }
}

function names(columns: Columns): string {
  return columns.map(([, column]) => column.name).join(', ')
}

function arrayParameters(columns: Columns): string {
  return columns.map(([, column], i) => `$${i + 1}::${column.getSQLType()}[]`).join(', ')
}

function driverValue(column: PgColumn, value: unknown): unknown {
  return value === null || value === undefined ? null : column.mapToDriverValue(value)
}

// No text in PostgreSQL holds U+0000, so it parts the values of a key without doubt.
function mapKey(key: Key): string {
  return key.join('\u0000')
}
