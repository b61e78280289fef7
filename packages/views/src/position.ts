import type { Queryable } from '@artifact-store/log'
import { registryProjection } from './schema.ts'
import { liveSchema } from './table-shape.ts'

/** The channel on which PostgreSQL tells that the views have moved, and to which position. */
export const viewsChannel = 'artifact_store_views'

/** The sequence of the last event that the views show; 0 before the first. */
export async function viewsPosition(connection: Queryable, schema = liveSchema): Promise<number> {
  const { rows } = await connection.query<{ position: string | number }>({
    name: `${schema}-position`,
    text: `select position from ${schema}.checkpoints where projection = $1`,
    values: [registryProjection],
  })
  return Number(rows[0]?.position ?? 0)
}
