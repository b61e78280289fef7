import { expect, it, vi } from 'vitest'
import { digestOf, event, stored } from './events.ts'
import { openTestViews } from './test-views.ts'

const count = 4000
const batchSize = 1000

it('a long history finds rows by their keys, though it began with empty tables whose statistics say so', async () => {
  await using views = await openTestViews()
  await views.database.pool.query('analyze views.blobs')
  const contents = Array.from({ length: count }, (_, i) => `content ${i}`)
  const damaged = (content: string) =>
    event('v1.fixity.failed', digestOf(content), { backend: 'memory', finding: { kind: 'missing' } })
  // The first batch looks for a row that is not there.
  const history = [damaged('unknown'), ...contents.map(stored), ...contents.map(damaged)]
  for (let at = 0; at < history.length; at += batchSize) {
    await views.writer.apply(await views.append(history.slice(at, at + batchSize)))
  }
  // Else the writer's session tells what it has counted only after ten seconds.
  await views.database.poolFor('projector').query('select pg_stat_force_next_flush()')

  const entriesRead = await vi.waitFor(async () => {
    const { rows } = await views.database.pool.query<{ entries: number }>(
      `select idx_tup_read::int as entries from pg_stat_user_indexes where indexrelname = 'blobs_pkey' and idx_tup_read > 0`,
    )
    return rows[0]?.entries ?? Promise.reject(new Error('the server has not counted yet'))
  }, 20_000)
  // Each row is looked up once to be changed, and once more when it is.
  expect(entriesRead).toBeLessThanOrEqual(2 * count)
})
