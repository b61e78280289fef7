import { randomUUID } from 'node:crypto'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { type Contender, samplePayload } from './contender.ts'

/** The peer: Emmett's event store on the same server, with as many connections as there are callers. */
export async function openEmmett(url: string, connections: number): Promise<Contender> {
  const migrating = getPostgreSQLEventStore(url)
  await migrating.schema.migrate()
  await migrating.close()
  const pool = new pg.Pool({ connectionString: url, max: connections })
  const store = getPostgreSQLEventStore(url, { schema: { autoMigration: 'None' }, connectionOptions: { pooled: true, pool } })
  return {
    async append(count) {
      const events = Array.from({ length: count }, (_, i) => ({ type: 'v1.package.created', data: samplePayload(i) }))
      await store.appendToStream(`package-${randomUUID()}`, events)
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      if (!pool.ended) await pool.end()
    },
  }
}
