import type { QueryArrayResult } from 'pg'
import type { PgTable } from './drizzle.ts'
import type { ViewsSnapshot } from './read-snapshot.ts'
import { type Columns, type TableShape, tableShape } from './table-shape.ts'
import type { Key } from './view.ts'

/** A row as text: its key, and all of it. */
export interface RowText {
  readonly key: Key
  readonly row: string
}

/** Every row of a view's table in the order of its key's bytes, some thousand in memory at a time. */
export async function* rowsInOrder({ client, schema }: ViewsSnapshot, table: PgTable): AsyncGenerator<RowText, void, undefined> {
  const shape = tableShape(table, schema)
  await client.query(
    `declare rows_in_order no scroll cursor for select t::text, ${keyTexts(shape)} from ${shape.name} t order by ${byBytes(shape.keyColumns)}`,
  )
  for (;;) {
    const { rows }: QueryArrayResult<[string, ...string[]]> = await client.query({
      text: `fetch ${rowsAtOnce} from rows_in_order`,
      rowMode: 'array',
    })
    for (const [row, ...key] of rows) yield { key, row }
    if (rows.length < rowsAtOnce) break
  }
  await client.query('close rows_in_order')
}

const rowsAtOnce = 2000

function keyTexts({ keyColumns }: TableShape): string {
  return keyColumns.map(([, { name }]) => `t.${name}::text`).join(', ')
}

// Named by its table: the bare name would be that of the text which is selected. A uuid is ordered as its text is.
function byBytes(keyColumns: Columns): string {
  return keyColumns
    .map(([, column]) => (column.getSQLType() === 'uuid' ? `t.${column.name}` : `t.${column.name} collate "C"`))
    .join(', ')
}
