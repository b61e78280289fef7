import type { Queryable } from '@artifact-store/log'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { type Columns, namesOf, tableShape } from './table-shape.ts'
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

export function createRowStore(table: PgTable, schema?: string): RowStore {
  const { name, columns, keyColumns } = tableShape(table, schema)
  const dataColumns = columns.filter(([, column]) => !keyColumns.some(([, key]) => key.name === column.name))
  // undefined: known not to exist. What was put or deleted here by its key is also in `changed`.
  const known = new Map<string, Row | undefined>()
  const changed = new Map<string, Key>()
  const prefixes: Key[] = []

  const keyOf = (row: Row): Key => keyColumns.map(([property]) => String(row[property]))

  async function deleteRows(connection: Queryable, keys: readonly Key[]): Promise<void> {
    for (const [length, alike] of Map.groupBy(keys, key => key.length)) {
      const given = keyColumns.slice(0, length)
      await connection.query({
        name: `${name}-delete-${length}`,
        text: `delete from ${name} t using unnest(${arrayParameters(given)}) as k(${namesOf(given)})
                where ${given.map(([, c]) => `t.${c.name} = k.${c.name}`).join(' and ')}`,
        values: given.map((_, i) => alike.map(key => key[i])),
      })
    }
  }

  async function upsertRows(connection: Queryable, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    await connection.query({
      name: `${name}-upsert`,
      text: `insert into ${name} (${namesOf(columns)}) select * from unnest(${arrayParameters(columns)})
             on conflict (${namesOf(keyColumns)}) do update set ${dataColumns.map(([, c]) => `${c.name} = excluded.${c.name}`).join(', ')}`,
      values: columns.map(([property, column]) => rows.map(row => driverValue(column, row[property]))),
    })
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
      const begin = `${mapKey(prefix)}${separator}`
      for (const key of known.keys()) if (`${key}${separator}`.startsWith(begin)) known.set(key, undefined)
      prefixes.push(prefix)
    },

    async load(connection, keys) {
      const wanted = new Map(keys.map(key => [mapKey(key), key]))
      if (wanted.size === 0) return
      for (const key of wanted.keys()) known.set(key, undefined)
      const list = [...wanted.values()]
      const { rows } = await connection.query<Row>({
        name: `${name}-load`,
        text: `select ${columns.map(([property, column]) => `t.${column.name} as "${property}"`).join(', ')}
                 from ${name} t join unnest(${arrayParameters(keyColumns)}) as k(${namesOf(keyColumns)}) using (${namesOf(keyColumns)})`,
        values: keyColumns.map((_, i) => list.map(key => key[i])),
      })
      for (const row of rows) {
        for (const [property, column] of columns)
          if (row[property] !== null) row[property] = column.mapFromDriverValue(row[property])
        known.set(mapKey(keyOf(row)), row)
      }
    },

    async flush(connection) {
      // In this order: what was put behind a deletion of all stays.
      await deleteRows(connection, prefixes)
      const rows = [...changed].map(([text, key]) => ({ key, row: known.get(text) }))
      await deleteRows(
        connection,
        rows.filter(({ row }) => row === undefined).map(({ key }) => key),
      )
      await upsertRows(
        connection,
        rows.map(({ row }) => row).filter(row => row !== undefined),
      )
      known.clear()
      changed.clear()
      prefixes.length = 0
    },
  }
}

function arrayParameters(columns: Columns): string {
  return columns.map(([, column], i) => `$${i + 1}::${column.getSQLType()}[]`).join(', ')
}

function driverValue(column: PgColumn, value: unknown): unknown {
  return value === null || value === undefined ? null : column.mapToDriverValue(value)
}

// No text in PostgreSQL holds U+0000, so it parts the values of a key without doubt.
const separator = '\u0000'

function mapKey(key: Key): string {
  return key.join(separator)
}
