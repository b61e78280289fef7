import { registryViews } from '@artifact-store/views'
import { getTableConfig } from '@artifact-store/views/drizzle'
import type { Pool } from 'pg'
import type { StateLine } from './stored-log.ts'

/** Every row of every view as a line of JSON, in the order of the views and then of the rows' texts. */
export async function viewRows(reader: Pool): Promise<string[]> {
  const lines: string[] = []
  for (const { table } of registryViews) {
    const { name, schema } = getTableConfig(table)
    const { rows } = await reader.query<{ row: string }>(
      `select row from (select to_jsonb(t)::text as row from ${schema}.${name} t) t order by row collate "C"`,
    )
    for (const { row } of rows) lines.push(JSON.stringify({ view: name, row: JSON.parse(row) } satisfies StateLine))
  }
  return lines
}
