import { ArtifactError } from '@artifact-store/core'
import type { ClientBase } from 'pg'

/**
 * A log that holds events is not dropped by a slip of the hand.
 * @throws ArtifactError `configuration` unless it is empty or absent.
 */
export async function refuseToDestroy(client: ClientBase): Promise<void> {
  const { rows: tables } = await client.query<{ found: string | null }>("select to_regclass('log.events') as found")
  if (!tables[0]?.found) return
  const { rows } = await client.query('select sequence from log.events limit 1')
  if (rows.length === 0) return
  throw new ArtifactError(
    'configuration',
    'this database holds events, and migrate:fresh would destroy them for good: run it with -- --yes if that is meant',
  )
}
