import { createBell, openPostgresLog, write } from '@artifact-store/log'
import { Client, type Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { type LogUnderFire, setOnFire } from './fire.ts'
import { createIdentityLog } from './identity-log.ts'
import { testAppend, testEvent } from './test-event.ts'
import { useTestLog } from './test-log.ts'

const test = await useTestLog()

/** The real log, with two log-writers that both funnel. */
function realLog(pool: Pool): LogUnderFire {
  const logs = [openPostgresLog(pool), openPostgresLog(pool)] as const
  return {
    fetchSince: (after, limit) => logs[0].fetchSince(after, limit),
    head: () => logs[0].head(),
    append: async marker => void (await logs[marker.length % 2 === 0 ? 0 : 1].append(testAppend(testEvent({ id: marker })))),
    write: async (client, marker) => void (await write(client, testEvent({ id: marker }))),
  }
}

async function listen(url: string) {
  const bell = createBell()
  const client = new Client({ connectionString: url })
  client.on('notification', () => bell.ring())
  await client.connect()
  await client.query('listen artifact_store_log')
  return { bell, [Symbol.asyncDispose]: () => client.end() }
}

describe('32 writers, among them slow transactions and ones that roll back, and three tailing readers', () => {
  it('leave no hole in the log, and no reader misses, repeats or reorders an event', async () => {
    await using one = await listen(test.database.urlFor('projector'))
    await using other = await listen(test.database.urlFor('gateway'))
    const bells = [one.bell, other.bell, undefined]
    const report = await setOnFire({ log: realLog(test.pool), pool: test.pool, writers: 32, appendsEach: 24, bells })
    expect(report).toEqual({
      committed: 32 * 24 * (3 / 4) + 3,
      readers: bells.map(() => ({ missed: [], repeated: [], reordered: [] })),
      holes: [],
      lost: [],
      invented: [],
    })
    const events = await test.log.fetchSince(0, 10_000)
    expect(events.map(e => e.sequence)).toEqual(Array.from({ length: report.committed }, (_, i) => i + 1))
    const times = events.map(e => e.createdAt.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(one.bell.count).toBeGreaterThan(0)
  })

  it('break a log that is a plain identity column: this is what the test above would see', async () => {
    const log = await createIdentityLog(test.database.pool)
    const bells = [undefined, undefined, undefined]
    const report = await setOnFire({ log, pool: test.database.pool, writers: 32, appendsEach: 24, bells })
    for (const reader of report.readers) expect(reader.missed).toContain('slow')
    expect(report.holes.length).toBeGreaterThanOrEqual(1 + (32 * 24) / 4)
    expect(report).toMatchObject({ lost: [], invented: [] })
  })
})
