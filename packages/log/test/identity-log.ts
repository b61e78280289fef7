import type { Pool } from 'pg'
import type { LogUnderFire } from './fire.ts'
import { testEvent } from './test-event.ts'

/**
 * The log as it is often built, and wrong: a column that numbers itself. Numbers are drawn before the commit and in no relation to it,
 * so a reader may be past a number before its event becomes visible; and a number that was drawn is gone, whatever becomes of its event.
 */
export async function createIdentityLog(pool: Pool): Promise<LogUnderFire> {
  await pool.query(
    'create table identity_events (sequence bigint primary key generated always as identity, marker text not null)',
  )
  const insert = 'insert into identity_events (marker) values ($1)'
  return {
    append: async marker => void (await pool.query(insert, [marker])),
    write: async (client, marker) => void (await client.query(insert, [marker])),
    async fetchSince(after, limit) {
      const { rows } = await pool.query<{ sequence: string; marker: string }>(
        'select sequence, marker from identity_events where sequence > $1 order by sequence limit $2',
        [after, limit],
      )
      return rows.map(({ sequence, marker }) => ({
        ...testEvent({ id: marker }),
        sequence: Number(sequence),
        subjectRevision: 1,
        createdAt: new Date(0),
        payload: {},
      }))
    },
    async head() {
      const { rows } = await pool.query<{ head: string }>('select coalesce(max(sequence), 0) as head from identity_events')
      return Number(rows[0]?.head)
    },
  }
}
