import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { type Contender, samplePayload } from './contender.ts'

/**
 * What PostgreSQL itself gives: multi-row inserts into a table like the log's, under one advisory lock, with no condition, no key and no
 * hash. Nothing that keeps the log's promises can be faster.
 */
export async function openBareInsert(url: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  await pool.query(`create table if not exists bare_events (
    sequence bigint primary key, subject_revision bigint not null, created_at timestamptz(3) not null, event_type text not null,
    subject_kind text not null, subject_id text not null, actor text not null, payload bytea not null, payload_digest bytea not null,
    unique (subject_kind, subject_id, subject_revision))`)
  let sequence = Number((await pool.query('select coalesce(max(sequence), 0) as last from bare_events')).rows[0].last)
  return {
    async append(count) {
      const subject = randomUUID()
      const rows = Array.from({ length: count }, (_, i) => i + 1)
      const first = sequence + 1
      sequence += count
      await pool.query({
        name: 'bare-insert',
        text: `with locked as (select pg_advisory_xact_lock(1))
               insert into bare_events
               select s, r, now(), 'v1.package.created', 'package', $3, 'user:alice@example.com', p, d
                 from locked, unnest($1::bigint[], $2::bigint[], $4::bytea[], $5::bytea[]) as e(s, r, p, d)`,
        values: [
          rows.map(row => first + row - 1),
          rows,
          subject,
          rows.map(row => Buffer.from(JSON.stringify(samplePayload(row)))),
          rows.map(() => Buffer.alloc(32)),
        ],
      })
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
