import { ArtifactError } from '@artifact-store/core'
import type { Queryable } from '@artifact-store/log'
import { viewsChannel } from './position.ts'
import { registryProjection } from './schema.ts'
import { liveSchema } from './table-shape.ts'

/**
 * Moves the checkpoint from where it must be, and holds it until the transaction ends: another who applies events waits, and then finds it
 * moved. Whoever waits for a position hears of it when, and only if, the transaction commits.
 * @throws ArtifactError `revision-conflict` when it is elsewhere.
 */
export async function moveCheckpoint(connection: Queryable, schema: string, from: number, to: number): Promise<void> {
  const begun =
    from === 0 &&
    connection.query({
      text: `insert into ${schema}.checkpoints (projection, position) values ($1, 0) on conflict (projection) do nothing`,
      values: [registryProjection],
    })
  const moved = connection.query({
    name: `${schema}-move-checkpoint`,
    text: `with moved as (update ${schema}.checkpoints set position = $3 where projection = $1 and position = $2 returning position)
           select ${schema === liveSchema ? `pg_notify('${viewsChannel}', position::text)` : 'position'} from moved`,
    values: [registryProjection, from, to],
  })
  const [, { rowCount }] = await Promise.all([begun, moved])
  if (rowCount !== 1) throw conflict(`the views are not at ${from}: another projector has moved them, or an event was left out`)
}

/** Puts the checkpoint to 0, wherever it is, and holds it. It waits for a batch that is being applied. */
export async function resetCheckpoint(connection: Queryable, schema: string): Promise<void> {
  await connection.query({
    text: `insert into ${schema}.checkpoints (projection, position) values ($1, 0) on conflict (projection) do update set position = 0`,
    values: [registryProjection],
  })
}

export function conflict(message: string): ArtifactError {
  return new ArtifactError('revision-conflict', message)
}
