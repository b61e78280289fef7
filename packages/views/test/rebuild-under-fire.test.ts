import { isArtifactError } from '@artifact-store/core'
import { tailBatches } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import { dropPreviousViews, replay, stateDigest, viewsPosition } from '@artifact-store/views'
import { Pool, type PoolClient } from 'pg'
import { expect, it } from 'vitest'
import { requestTask } from './test-tasks.ts'
import { openTestViews, type TestViews } from './test-views.ts'

it('takes the place of views that are written and read all the while: no read fails or goes back, and nothing is lost or doubled', async () => {
  await using views = await openTestViews()
  const history = randomHistory({ seed: 51, length: 2000 })
  await views.append(history.slice(0, 1000))
  await replay(views.log, views.writer, { reset: false })

  const stop = new AbortController()
  let left = history.length - 1000
  const swappedTwice = Promise.withResolvers<void>()
  const appending = (async () => {
    for (; left > 0; left -= 5) {
      // However slow rebuilding is here, there is something to write while it is done.
      if (left === 300) await swappedTwice.promise
      await views.append(history.slice(-left).slice(0, 5))
    }
  })()
  const writing = keepWriting(views, stop.signal)
  const reading = keepReading(views, stop.signal)

  let swaps = 0
  let swappedAt = 1000
  while (left > 0) {
    const at = await (await requestTask(views, 'rebuild')).rebuild({ batchSize: 500 })
    expect(at).toBeGreaterThanOrEqual(swappedAt)
    swappedAt = at
    swaps += 1
    if (swaps === 2) swappedTwice.resolve()
    await dropPreviousViews(views.reader)
  }
  await appending
  await expect.poll(() => viewsPosition(views.reader), { timeout: 20_000 }).toBe(history.length)
  stop.abort()
  await writing
  expect(await reading).toBeGreaterThan(100)
  expect(swaps).toBeGreaterThan(1)

  const live = await stateDigest(views.reader)
  await replay(views.log, views.writer, { reset: true })
  expect(await stateDigest(views.reader)).toEqual(live)
})

/** Applies the log as the projector does: where somebody else has moved the views, from where they are. */
async function keepWriting({ log, writer }: TestViews, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      const after = await writer.position()
      for await (const events of tailBatches(log, { after, batchSize: 20, pollMs: 10, signal: stop })) await writer.apply(events)
    } catch (error) {
      if (!isArtifactError(error, 'revision-conflict')) throw error
    }
  }
}

interface Seen {
  readonly position: number
  readonly packages: number
}

const onePlan = `select (select position from views.checkpoints)::integer as position, (select count(*) from views.artifact_packages)::integer as packages`

/** Each way in which somebody may come by a state of the views. */
const waysToRead: readonly ((pool: Pool) => Promise<Seen | undefined>)[] = [
  async pool => (await pool.query<Seen>(onePlan)).rows[0],
  async pool => (await pool.query<Seen>({ name: 'planned once', text: onePlan })).rows[0],
  pool => inSnapshot(pool, async client => (await client.query<Seen>(onePlan)).rows[0]),
  pool =>
    inSnapshot(pool, async client => {
      const { rows: positions } = await client.query<{ position: number }>('select position::integer from views.checkpoints')
      const { rows: counts } = await client.query<{ packages: number }>(
        'select count(*)::integer as packages from views.artifact_packages',
      )
      return { position: positions[0]?.position ?? 0, packages: counts[0]?.packages ?? 0 }
    }),
]

/**
 * Reads in every way at once until it is told to stop. A read that begins when another has seen a position must see at least that one, and
 * what it sees must be the state of one position. @returns how many reads there were.
 */
async function keepReading(views: TestViews, stop: AbortSignal): Promise<number> {
  const pool = new Pool({ connectionString: views.database.urlFor('gateway'), max: 6 })
  const created = [0]
  const packagesAt = async (position: number) => {
    while (created.length <= position)
      for (const { eventType, sequence } of await views.log.fetchSince(created.length - 1, 1000))
        created[sequence] = (created[sequence - 1] ?? 0) + Number(eventType === 'v1.package.created')
    return created[position]
  }
  let highest = 0
  let reads = 0
  const keepOn = async (read: (pool: Pool) => Promise<Seen | undefined>) => {
    while (!stop.aborted) {
      const least = highest
      const seen = await read(pool)
      if (!seen) throw new Error('the views have no position')
      expect(seen.position).toBeGreaterThanOrEqual(least)
      expect(seen.packages).toBe(await packagesAt(seen.position))
      highest = Math.max(highest, seen.position)
      reads += 1
    }
  }
  await Promise.all(waysToRead.map(keepOn))
  await pool.end()
  return reads
}

async function inSnapshot<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    // The lock comes before the snapshot: see `read-snapshot.ts`.
    await client.query('begin isolation level repeatable read; lock table views.checkpoints in access share mode')
    const seen = await work(client)
    await client.query('commit')
    return seen
  } finally {
    client.release()
  }
}
