import {
  type AnyDigest,
  type ArtifactPath,
  type Digest,
  newPackageId,
  type PackageId,
  parseArtifactPath,
  parseDigest,
  parsePackageId,
} from '@artifact-store/core'
import {
  findBlob,
  findBlobs,
  findDirectories,
  findFiles,
  findFilesAt,
  findPackage,
  findRetentions,
  findTokensBySecrets,
  listFiles,
  listPackages,
  listTokens,
  packageFiles,
  type ViewsDatabase,
  viewsDatabase,
  viewsSession,
} from '@artifact-store/views'
import { Pool, type QueryConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRowStore } from '../src/row-store.ts'
import { storedRows } from '../src/stored-rows.ts'
import { openTestViews, type TestViews } from './test-views.ts'

/** So many packages, files, blobs and tokens: enough that reading all of them is what no query may do. */
const size = 100_000

let views: TestViews
beforeAll(async () => {
  views = await openTestViews()
  await views.database.pool.query(fill)
})
afterAll(() => views[Symbol.asyncDispose]())

const packageId = parsePackageId('00000000-0000-7000-8000-000000000007')
const paths = Array.from({ length: 500 }, (_, i) => parseArtifactPath(`dir/${14_000 + i * 4}.txt`))
const digests = Array.from({ length: 500 }, (_, i): AnyDigest => parseDigest(`blake3:${String(i * 100).padStart(64, '0')}`))
const both = digests.map((digest, i) => (i % 2 === 0 ? digest : (`sha256:${digest.slice(7)}` as AnyDigest)))

describe.each<[string, (db: ViewsDatabase) => Promise<unknown>]>([
  ['a package by id', db => findPackage(db, packageId)],
  ['the newest packages', db => listPackages(db, {}, { limit: 50 })],
  ['a page of packages from the middle', db => listPackages(db, {}, { before: size / 2, limit: 50 })],
  ['the packages of a name', db => listPackages(db, { name: 'ci/7' }, { limit: 50 })],
  ['a later page of a name', db => listPackages(db, { name: 'ci/7' }, { before: size / 2, limit: 50 })],
  ['the packages of a kind', db => listPackages(db, { kind: 'kind7' }, { limit: 50 })],
  ['packages in a state that few are in', db => listPackages(db, { state: 'discarded' }, { limit: 50 })],
  ['packages in the state that most are in', db => listPackages(db, { state: 'finalized' }, { limit: 50 })],
  ['packages with a label that few have', db => listPackages(db, { labels: { job: '77777' } }, { limit: 50 })],
  ['packages with a label that many have', db => listPackages(db, { labels: { branch: 'main' } }, { limit: 50 })],
  [
    'files at paths of packages',
    db =>
      findFilesAt(
        db,
        paths.slice(0, 20).map(path => ({ id: packageId, path })),
      ),
  ],
  ['many files by their paths', db => findFiles(db, packageId, paths)],
  ['which of many paths are directories', db => findDirectories(db, packageId, paths)],
  ['a page of files', db => listFiles(db, packageId, { after: 'dir/145', limit: 1000 })],
  ['a blob by BLAKE3', db => findBlob(db, digests[7] ?? parseDigest(''))],
  ['a blob by SHA-256', db => findBlob(db, both[7] ?? parseDigest(''))],
  ['many blobs by either digest', db => findBlobs(db, both)],
  [
    'retention of a page of packages',
    db =>
      findRetentions(
        db,
        Array.from({ length: 50 }, () => packageId),
      ),
  ],
  ['tokens by their secrets', db => findTokensBySecrets(db, [digests[7], digests[9]] as Digest[])],
  ['a page of tokens', db => listTokens(db, { after: '5', limit: 100 })],
])('%s', (_, query) => {
  it('is found by an index, and little else is looked at', async () => {
    const recorder = recordingPool(views.database.urlFor('gateway'))
    await query(viewsDatabase(recorder.pool))
    await recorder.pool.end()
    await expectIndexed(recorder.queries)
  })
})

describe('which of many paths are directories', () => {
  it.each([
    [16, 'select 1'],
    [500, 'analyze views.package_files'],
  ])('is found by an index for %i paths too while one package has all the files (%s)', async (count, statistics) => {
    await using fresh = await openTestViews()
    await fresh.database.pool.query(`
      insert into views.package_files
        select '${packageId}', 'dir/' || n || '.txt', 'blake3:' || lpad(n::text, 64, '0'), 'sha256:' || lpad(n::text, 64, '0'), n, 'text/plain', 2
          from generate_series(1, 20000) as n`)
    const recorder = recordingPool(fresh.database.urlFor('gateway'))
    await fresh.database.pool.query(statistics)
    await findDirectories(viewsDatabase(recorder.pool), packageId, paths.slice(0, count))
    await recorder.pool.end()
    await expectIndexed(recorder.queries, fresh.database.pool)
  })
})

describe('a query that is planned once', () => {
  it.each(['select 1', 'analyze'])(
    'finds its rows by an index when the plan was made before there were any (%s)',
    async statistics => {
      await using fresh = await openTestViews()
      await fresh.database.pool.query(statistics)
      const client = await fresh.database.poolFor('gateway').connect()
      using _ = { [Symbol.dispose]: () => client.release() }
      for (const [name, value] of Object.entries(viewsSession)) await client.query(`set ${name} = ${value}`)
      const db = viewsDatabase(client)
      // The planner keeps a plan for any values when those for the first five were no better.
      for (let times = 0; times < 8; times += 1) {
        await findPackage(db, packageId)
        await findFiles(db, packageId, paths)
        await findFilesAt(db, [{ id: packageId, path: paths[0] as ArtifactPath }])
        await findDirectories(db, packageId, paths)
        await findBlobs(db, both)
        await findTokensBySecrets(db, [digests[7]] as Digest[])
      }
      await fresh.database.pool.query(fill.replace(/;\s*analyze.*$/, '').replace(String(size), '20000'))
      const { rows: statements } = await client.query<{ name: string }>('select name from pg_prepared_statements order by name')
      expect(statements.map(({ name }) => name)).toEqual([
        'views-blobs-by-either',
        'views-directories-of-package',
        'views-files-at',
        'views-files-of-package',
        'views-package-by-id',
        'views-tokens-by-secrets',
      ])
      const list = (texts: readonly string[]) => `'{${texts.join(',')}}'`
      const given: Record<string, string> = {
        'views-blobs-by-either': `${list(both.filter(text => text.startsWith('b')))}, ${list(both.filter(text => text.startsWith('s')))}`,
        'views-directories-of-package': `${list(paths)}, '${packageId}'`,
        'views-files-at': `${list([packageId])}, ${list(paths.slice(0, 1))}`,
        'views-files-of-package': `'${packageId}', ${list(paths)}`,
        'views-package-by-id': `'${packageId}'`,
        'views-tokens-by-secrets': list([digests[7] ?? '']),
      }
      for (const { name } of statements) {
        const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
          `explain (analyze, format json) execute "${name}"(${given[name]})`,
        )
        expectLittleIsRead(rows)
      }
    },
  )
})

describe('a batch of events', () => {
  it('reads and writes its rows by the key, also in a plan that was made for any batch', async () => {
    const client = await views.database.poolFor('projector').connect()
    const keys = (id: PackageId) => paths.map(path => [id, path])
    await client.query('begin; set local plan_cache_mode = force_generic_plan')
    const recorded: QueryConfig[] = []
    const store = createRowStore(storedRows(packageFiles))
    const connection = {
      query: (config: QueryConfig) => {
        recorded.push(config)
        return client.query(config)
      },
    }
    await store.load(connection, keys(packageId))
    store.deleteAll(newPackageId())
    for (const path of paths.slice(0, 100)) {
      const row = store.get(packageId, path)
      if (row) store.put({ ...row, size: 1 })
    }
    for (const path of paths.slice(100)) store.delete(packageId, path)
    for (const statement of [...store.takeDeletions(), ...store.takeAll()]) await connection.query(statement)
    expect(recorded).toHaveLength(4)
    for (const { name } of recorded) {
      const { rows } = await client.query<{ statement: string }>('select statement from pg_prepared_statements where name = $1', [
        name,
      ])
      expect(rows).toHaveLength(1)
    }
    await client.query('rollback')
    client.release()
    await expectIndexed(recorded.map(({ text, values = [] }) => ({ text, values })))
  })
})

interface Recorded {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A pool that remembers what was asked through it. */
function recordingPool(url: string): { readonly pool: Pool; readonly queries: Recorded[] } {
  const queries: Recorded[] = []
  class RecordingPool extends Pool {
    override query: Pool['query'] = ((config: QueryConfig, values: unknown[] = []) => {
      queries.push({ text: config.text, values })
      return super.query(config, values)
    }) as Pool['query']
  }
  return { pool: new RecordingPool({ connectionString: url }), queries }
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** No table is read from end to end, and no step sees more than a few thousand rows. */
async function expectIndexed(queries: readonly Recorded[], pool = views.database.pool): Promise<void> {
  expect(queries).not.toEqual([])
  for (const { text, values } of queries) {
    const client = await pool.connect()
    await client.query('begin')
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (analyze, format json) ${text}`, [...values])
    await client.query('rollback')
    client.release()
    expectLittleIsRead(rows)
  }
}

function expectLittleIsRead(plans: readonly { readonly 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }[]): void {
  const steps = plans.flatMap(row => row['QUERY PLAN'].flatMap(({ Plan: plan }) => stepsOf(plan)))
  const read = steps.map(step => ({
    how: step['Node Type'],
    rows: (step['Actual Rows'] + (step['Rows Removed by Filter'] ?? 0)) * step['Actual Loops'],
  }))
  expect(
    read.filter(({ how, rows: seen }) => how === 'Seq Scan' || seen > 5000),
    JSON.stringify(read),
  ).toEqual([])
}

function stepsOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(stepsOf)]
}

const fill = `
  create temporary view number as select n, lpad(n::text, 64, '0') as digits from generate_series(1, ${size}) as n;
  insert into views.artifact_packages
    select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'ci/' || n % 100, null, 'kind' || n % 20, 'a producer',
           jsonb_build_object('branch', case n % 3 when 0 then 'next' else 'main' end, 'job', n::text), '[]',
           case when n % 10000 = 0 then 'discarded' when n % 5 = 0 then 'open' else 'finalized' end,
           3, now(), 'ci', n, now(), 10, 1000, now(), 'blake3:' || digits, 'sha256:' || digits, 500, 'blake3:' || digits, 'sha256:' || digits, 100, null
      from number;
  insert into views.retention_state
    select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'default', null, '{}' from number;
  insert into views.package_files
    select ('00000000-0000-7000-8000-' || lpad((n / 2000)::text, 12, '0'))::uuid, 'dir/' || n || '.txt', 'blake3:' || digits, 'sha256:' || digits, n, 'text/plain', 2 from number;
  insert into views.blobs select 'blake3:' || digits, 'sha256:' || digits, n, 'stored', 1, now(), null, 'unchecked' from number;
  insert into views.access_tokens
    select right(digits, 32), 'blake3:' || digits, 'ci', '["read"]', null, 1, now(), 'root', null, null from number;
  analyze views.artifact_packages, views.retention_state, views.package_files, views.blobs, views.access_tokens`
