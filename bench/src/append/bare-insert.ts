import { newPackageId } from '@artifact-store/core'
import pg from 'pg'
import { type Contender, samplePayload } from './contender.ts'
import { migrateLog } from './same-table.ts'

/**
 * What PostgreSQL itself gives: multi-row inserts into the log's own table, as the superuser, under the log's lock, with no condition, no key
 * and no hash. Nothing that keeps the log's promises can be faster.
 */
export async function openBareInsert(url: string): Promise<Contender> {
  await migrateLog(url)
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  let sequence = 0
  return {
    async append(count) {
      const rows = Array.from({ length: count }, (_, i) => i + 1)
      const first = sequence + 1
      sequence += count
      await pool.query({
        name: 'bare-insert',
        text: `with locked as (select pg_advisory_xact_lock(7021810146))
               insert into log.events (sequence, subject_revision, created_at, event_type, subject_kind, subject_id, actor, payload, payload_digest)
               select s, 1, now(), 'v1.package.created', 'package', i, 'user:alice@example.com', p, d
                 from locked, unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[]) as e(s, i, p, d)`,
        values: [
          rows.map(row => first + row - 1),
          rows.map(() => newPackageId()),
          rows.map(row => Buffer.from(JSON.stringify(samplePayload(row)))),
          rows.map(() => Buffer.alloc(32)),
        ],
      })
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
