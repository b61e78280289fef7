import { newPackageId } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import {
  createViewWriter,
  findViewTask,
  nextViewTask,
  packageFiles,
  registryViews,
  requestViewTask,
  stateDigest,
  type TableComparison,
  type Verification,
  viewsPosition,
} from '@artifact-store/views'
import type { PoolClient } from 'pg'
import { describe, expect, it } from 'vitest'
import { getTableConfig } from '../src/drizzle.ts'
import { rowsInOrder } from '../src/rows-in-order.ts'
import { created } from './events.ts'
import { requestTask, type TestTask } from './test-tasks.ts'
import { openTestViews, type TestViews } from './test-views.ts'

async function shownHistory(length = 600): Promise<TestViews> {
  const views = await openTestViews()
  await views.show(...randomHistory({ seed: 61, length }))
  return views
}

describe('a verification', () => {
  it('finds the views equal that are what the log says, with the digest that they have', async () => {
    await using views = await shownHistory()
    const verification = await requestTask(views, 'verification')
    const phases: string[] = []
    const found = await verification.verify({ onPhase: phase => phases.push(phase) })
    const { digest } = await stateDigest(views.reader)
    expect(found).toMatchObject({ position: 600, live: digest, fresh: digest, differences: [] })
    expect(phases).toEqual(['replaying', 'comparing'])
    expect(found.tables.map(({ table }) => table)).toEqual(registryViews.map(({ table }) => getTableConfig(table).name))
    for (const counts of found.tables) {
      const { rows } = await views.reader.query(`select count(*)::integer as rows from views.${counts.table}`)
      expect(counts).toMatchObject({ live: rows[0].rows, fresh: rows[0].rows, missing: 0, extra: 0, different: 0 })
    }
    const { position, ...result } = found
    expect(await findViewTask(views.reader, verification.id)).toMatchObject({ phase: 'done', position, result, error: null })
    // What it needed goes away by itself.
    expect(await nextViewTask(views.database.poolFor('projector'))).toBeUndefined()
    const scratch = await views.database.pool.query(`select to_regnamespace('views_scratch')::text as scratch`)
    expect(scratch.rows).toEqual([{ scratch: null }])
  })

  it('names the rows that were changed, taken away or added, with their keys and columns', async () => {
    await using views = await shownHistory()
    const { rows: sizes } = await views.database.pool.query<{ size: string }>(
      'select size from views.blobs order by digest limit 1',
    )
    const size = Number(sizes[0]?.size)
    await views.database.pool.query(`
      update views.blobs set size = size + 1, checked_at = '2026-01-31T01:02:03.004Z' where digest = (select min(digest) from views.blobs);
      delete from views.artifact_packages where package_id = (select max(package_id::text)::uuid from views.artifact_packages);
      insert into views.package_files values ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'a "strange" path/é', 'd', 's', 1, 'm', 1)`)
    const found = await (await requestTask(views, 'verification')).verify()
    expect(found.live).not.toBe(found.fresh)
    expect(found.live).toBe((await stateDigest(views.reader)).digest)
    expect(tablesThatDiffer(found)).toEqual([
      expect.objectContaining({ table: 'artifact_packages', missing: 1, extra: 0, different: 0 }),
      expect.objectContaining({ table: 'package_files', missing: 0, extra: 1, different: 0 }),
      expect.objectContaining({ table: 'blobs', missing: 0, extra: 0, different: 1 }),
    ])
    expect(found.differences).toEqual([
      { table: 'artifact_packages', kind: 'missing', key: { package_id: expect.any(String) }, columns: [] },
      {
        table: 'package_files',
        kind: 'extra',
        key: { package_id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', path: 'a "strange" path/é' },
        columns: [],
      },
      {
        table: 'blobs',
        kind: 'different',
        key: { digest: expect.stringMatching(/^blake3:/) },
        columns: [
          { column: 'size', live: String(size + 1), fresh: String(size) },
          { column: 'checked_at', live: '2026-01-31 01:02:03.004+00', fresh: expect.toSatisfy(isMomentOrNull) },
        ],
      },
    ])
  })

  it('walks through keys in the order of their bytes, however they sort elsewhere', async () => {
    await using views = await openTestViews()
    const id = newPackageId()
    await views.show(created(id))
    // Every other one is live, so each side has something in front of, between and behind the other's.
    const paths = ['A', 'B', 'a', 'a b', 'a/b', 'a0', 'aé', 'z', 'é', '\u{e000}', '\u{10000}', '\u{10ffff}']
    const insert = `insert into views.package_files select $1, path, 'd', 's', 1, 'm', 1 from unnest($2::text[]) path`
    await views.database.pool.query(insert, [id, paths.filter((_, i) => i % 2 === 0)])
    const { differences, tables } = await (await requestTask(views, 'verification')).verify({
      async apply(writer, events) {
        const position = await writer.apply(events)
        await views.database.pool.query(insert.replace('views.', 'views_scratch.'), [id, paths.filter((_, i) => i % 3 === 0)])
        return position
      },
    })
    expect(tables.find(({ table }) => table === 'package_files')).toMatchObject({ live: 6, fresh: 4, missing: 2, extra: 4 })
    expect(differences.map(({ kind, key }) => [kind, key['path']])).toEqual(
      paths.flatMap((path, i) => {
        const [isLive, isFresh] = [i % 2 === 0, i % 3 === 0]
        return isLive === isFresh ? [] : [[isLive ? 'extra' : 'missing', path]]
      }),
    )
  })

  it('tells the first hundred differences and counts the rest, and cuts long cells around what differs', async () => {
    await using views = await openTestViews()
    await views.show(...Array.from({ length: 130 }, () => created(newPackageId(), { labels: { long: 'x'.repeat(1000) } })))
    await views.database.pool.query(
      `update views.artifact_packages set labels = jsonb_build_object('long', repeat('x', 500) || 'y' || repeat('x', 499))`,
    )
    const { differences, tables } = await (await requestTask(views, 'verification')).verify()
    expect(tables.find(({ table }) => table === 'artifact_packages')).toMatchObject({ live: 130, fresh: 130, different: 130 })
    expect(differences).toHaveLength(100)
    for (const { columns } of differences) {
      expect(columns).toEqual([
        { column: 'labels', live: expect.stringMatching(/^…x+yx+…$/), fresh: expect.stringMatching(/^…x+…$/) },
      ])
      expect(columns[0]?.live?.length).toBeLessThan(310)
    }
  })

  it('covers more rows than are read at once', async () => {
    await using views = await shownHistory(10)
    await views.database.pool.query(
      `insert into views.retention_state select gen_random_uuid(), 'forged', null, '{}' from generate_series(1, 12345)`,
    )
    const found = await (await requestTask(views, 'verification')).verify()
    expect(tablesThatDiffer(found)).toMatchObject([{ table: 'retention_state', extra: 12_345 }])
  })

  it('compares at one position while writes go on', async () => {
    await using views = await shownHistory(300)
    const more = [...randomHistory({ seed: 62, length: 400 })]
    const writer = createViewWriter(views.database.poolFor('projector'))
    // One after the other: a projector applies in the order of the log.
    let written = Promise.resolve()
    const write = () => {
      written = written.then(async () => void (await writer.apply(await views.append(more.splice(0, 20)))))
      return written
    }
    const verification = await requestTask(views, 'verification')
    const log = {
      ...views.log,
      async fetchSince(after: number, limit: number) {
        await write()
        return views.log.fetchSince(after, limit)
      },
    }
    const found = await verification.verify({ log, onPhase: () => void write() })
    await written
    expect(found.differences).toEqual([])
    expect(found.live).toBe(found.fresh)
    expect(found.position).toBeGreaterThan(300)
    expect(found.position).toBeLessThan(await viewsPosition(views.reader))
  })

  it('goes on where it was interrupted', async () => {
    await using views = await shownHistory()
    const verification = await requestTask(views, 'verification')
    // Whichever it hears of first: that it is gone, or that its connection is.
    await expect(verification.verify({ log: dyingAt(views, verification, 300) })).rejects.toThrow()
    const asked: number[] = []
    const watched = {
      ...views.log,
      fetchSince(after: number, limit: number) {
        asked.push(after)
        return views.log.fetchSince(after, limit)
      },
    }
    expect(await verification.verify({ log: watched })).toMatchObject({ position: 600, differences: [] })
    // The batch of 50 that was being applied when it died may have been lost with it.
    expect(asked[0]).toBeGreaterThanOrEqual(250)
  })

  it('ends with a sentence when the live views went back meanwhile', async () => {
    await using views = await shownHistory()
    const verification = await requestTask(views, 'verification')
    await expect(verification.verify({ log: dyingAt(views, verification, 300) })).rejects.toThrow()
    await views.writer.reset()
    await expect(verification.verify()).rejects.toMatchObject({
      kind: 'views-behind',
      message: expect.stringMatching(/the live views went back from \d+ to 0/),
    })
  })

  it('reads keys by their index, so that nothing is sorted', async () => {
    await using views = await openTestViews()
    await views.database.pool.query(
      `insert into views.package_files select gen_random_uuid(), 'p' || n, 'd', 's', 1, 'm', 1 from generate_series(1, 20000) n; analyze views.package_files`,
    )
    const statements: string[] = []
    const real = await views.reader.connect()
    await real.query('begin')
    const query = (given: string | { readonly text: string }) => {
      statements.push(typeof given === 'string' ? given : given.text)
      return real.query(given)
    }
    const snapshot = { client: { query } as unknown as PoolClient, schema: 'views', position: 0 }
    let last = ''
    for await (const { key } of rowsInOrder(snapshot, packageFiles)) {
      expect((key[0] ?? '') > last).toBe(true)
      last = key[0] ?? ''
    }
    const select = statements.find(text => text.startsWith('declare'))?.replace(/^declare .*? for /s, '') ?? ''
    const { rows } = await real.query<{ 'QUERY PLAN': string }>(`explain ${select}`)
    await real.query('rollback')
    real.release()
    expect(rows.map(row => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan using package_files_pkey/)
  })

  it('is refused while a rebuild is under way', async () => {
    await using views = await shownHistory(10)
    await requestTask(views, 'rebuild')
    await expect(requestViewTask(views.reader, 'verification', 'me')).rejects.toMatchObject({ kind: 'views-busy' })
  })
})

function tablesThatDiffer({ tables }: Verification): TableComparison[] {
  return tables.filter(({ missing, extra, different }) => missing + extra + different > 0)
}

function isMomentOrNull(cell: unknown): boolean {
  return cell === null || /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/.test(String(cell))
}

function dyingAt({ log }: TestViews, task: TestTask, moment: number) {
  return {
    ...log,
    async fetchSince(after: number, limit: number) {
      if (after >= moment) {
        await task.cut()
        throw new Error('the process is gone')
      }
      return log.fetchSince(after, limit)
    },
  }
}
