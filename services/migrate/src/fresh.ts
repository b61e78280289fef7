import { ArtifactError } from '@artifact-store/core'
import type { ClientBase } from 'pg'

/** A log that holds events is not dropped by a slip of the hand.
 * @throws ArtifactError `configuration` unless it is empty, absent, or the caller said yes. */
export async function refuseToDestroy(client: ClientBase, yes: boolean): Promise<void> {
  if (yes) return
  const { rows: tables } = await client.query<{ found: string | null }>("select to_regclass('log.events') as found")
  if (!tables[0]?.found) return
  const { rows } = await client.query<{ count: string }>('select count(*) from (select from log.events limit 1) e')
  if (Number(rows[0]?.count) > 0) {
    throw new ArtifactError(
      'configuration',
      'this database holds events, and migrate:fresh would destroy them for good: run it with -- --yes if that is meant',
    )
  }
}
