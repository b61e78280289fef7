import { catalogue, newPackageId } from '@artifact-store/core'
import { postgresLogReader } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import {
  accessTokens,
  artifactPackages,
  blobs,
  createViewWriter,
  findPackage,
  listFiles,
  packageFiles,
  replay,
  retentionState,
  stateDigest,
} from '@artifact-store/views'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { added, created, file, finalized, unknownEvent } from './events.ts'
import { modelViews } from './model-views.ts'
import { dumpViews, openTestViews, type TestViews } from './test-views.ts'

describe('a long history of every type of event', () => {
  const history = randomHistory({ seed: 20_261_123, length: 2500 })
  let views: TestViews
  beforeAll(async () => {
    views = await openTestViews()
    // Live: a few events at a time, each applied as soon as it is in the log.
    for (let at = 0; at < history.length; at += 13) await views.writer.apply(await views.append(history.slice(at, at + 13)))
  })
  afterAll(() => views[Symbol.asyncDispose]())

  it('holds every type of the catalogue, and one that is not in it', () => {
    const types = new Set(history.map(({ eventType }) => eventType))
    expect(Object.keys(catalogue).filter(type => !types.has(type))).toEqual([])
    expect(types).toContain('v2.package.painted')
  })

  it('shows what a model of the views shows that applies one event at a time', async () => {
    const model = modelViews(await views.log.fetchSince(0, history.length))
    const { db } = views
    expect(byKey(await db.select().from(artifactPackages), row => row.packageId)).toEqual(model.packages)
    expect(byKey(await db.select().from(packageFiles), row => `${row.packageId} ${row.path}`)).toEqual(model.files)
    expect(byKey(await db.select().from(retentionState), row => row.packageId)).toEqual(model.retention)
    expect(byKey(await db.select().from(blobs), row => row.digest)).toEqual(model.blobs)
    expect(byKey(await db.select().from(accessTokens), row => row.tokenId)).toEqual(model.tokens)
  })

  it.each([1, 7, 1000])('is replayed to the very same bytes in batches of %i', async batchSize => {
    const live = { digest: await stateDigest(views.reader), rows: await dumpViews(views.reader) }
    expect(live.digest.position).toBe(history.length)
    expect(await replay(views.log, views.writer, { reset: true, batchSize })).toBe(history.length)
    expect(await stateDigest(views.reader)).toEqual(live.digest)
    expect(await dumpViews(views.reader)).toEqual(live.rows)
  })

  it('is replayed to the very same bytes in another database', async () => {
    await using other = await openTestViews()
    expect(await replay(views.log, other.writer, { reset: true })).toBe(history.length)
    expect(await stateDigest(other.reader)).toEqual(await stateDigest(views.reader))
    expect(await dumpViews(other.reader)).toEqual(await dumpViews(views.reader))
  })
})

describe('replay', () => {
  it('takes a package from created to finalized', async () => {
    await using views = await openTestViews()
    const id = newPackageId()
    const files = [file('a.txt'), file('b/c.txt')]
    const stored = await views.append([created(id), added(id, ...files), finalized(id, files)])
    expect(await findPackage(views.db, id)).toBeUndefined()

    expect(await replay(views.log, views.writer, { reset: true })).toBe(3)

    expect(await findPackage(views.db, id)).toMatchObject({
      state: 'finalized',
      revision: 3,
      fileCount: 2,
      totalSize: 12,
      createdAt: stored[0]?.createdAt,
      finalizedAt: stored[2]?.createdAt,
      manifestDigest: expect.stringMatching(/^blake3:/),
    })
    expect(await listFiles(views.db, id, { limit: 10 })).toEqual(files)
  })

  it('leaves an empty log at 0', async () => {
    await using views = await openTestViews()
    expect(await replay(views.log, views.writer, { reset: true })).toBe(0)
    expect(await replay(views.log, views.writer, { reset: false })).toBe(0)
    expect(await views.writer.position()).toBe(0)
  })

  it('passes over unknown types: nothing but the checkpoint moves', async () => {
    await using views = await openTestViews()
    const id = newPackageId()
    await views.show(created(id))
    const { checkpoints: _, ...before } = await dumpViews(views.reader)
    await views.append([unknownEvent(id), unknownEvent('another thing')])
    expect(await replay(views.log, views.writer, { reset: false })).toBe(3)
    const { checkpoints, ...after } = await dumpViews(views.reader)
    expect(after).toEqual(before)
    expect(checkpoints).toEqual([{ projection: 'registry', position: '3' }])
  })

  it('without reset goes on behind the checkpoint and leaves what is there alone', async () => {
    await using views = await openTestViews()
    const [first, second] = [newPackageId(), newPackageId()]
    await views.show(created(first))
    await views.database.pool.query(`update views.artifact_packages set producer = 'was here before'`)
    await views.append([created(second)])
    expect(await replay(views.log, views.writer, { reset: false })).toBe(2)
    expect(await findPackage(views.db, first)).toMatchObject({ producer: 'was here before' })
    expect(await findPackage(views.db, second)).toBeDefined()
  })

  it('with reset makes anew what had been changed, lost or added', async () => {
    await using views = await openTestViews()
    const [first, second] = [newPackageId(), newPackageId()]
    await views.show(created(first), created(second), added(second, file('a')))
    const whole = await stateDigest(views.reader)
    await views.database.pool.query(`update views.artifact_packages set name = 'spoilt'; delete from views.package_files;
      insert into views.retention_state values (gen_random_uuid(), 'forged', null, '{}')`)
    expect(await stateDigest(views.reader)).not.toEqual(whole)
    await replay(views.log, views.writer, { reset: true })
    expect(await stateDigest(views.reader)).toEqual(whole)
  })

  it('is one transaction: until it commits readers see the old state, also those that began before it ended', async () => {
    await using views = await openTestViews()
    await views.show(...randomHistory({ seed: 1, length: 300 }))
    await views.append(randomHistory({ seed: 2, length: 300 }))
    const old = { digest: await stateDigest(views.reader), rows: await dumpViews(views.reader) }
    const snapshot = await views.reader.connect()
    await snapshot.query('begin isolation level repeatable read')
    await snapshot.query('select 1 from views.checkpoints')
    let looks = 0
    const watched = {
      ...views.log,
      async fetchSince(after: number, limit: number) {
        looks += 1
        expect(await stateDigest(views.reader)).toEqual(old.digest)
        return views.log.fetchSince(after, limit)
      },
    }

    expect(await replay(watched, views.writer, { reset: true, batchSize: 100 })).toBe(600)

    expect(looks).toBeGreaterThan(6)
    expect((await stateDigest(views.reader)).position).toBe(600)
    const { rows } = await snapshot.query(
      'select (select count(*)::integer from views.artifact_packages) as packages, position from views.checkpoints',
    )
    expect(rows).toEqual([{ packages: old.rows['artifact_packages']?.length, position: '300' }])
    await snapshot.query('rollback')
    snapshot.release()
  })

  it('leaves the old state when it fails half way', async () => {
    await using views = await openTestViews()
    await views.show(...randomHistory({ seed: 3, length: 300 }))
    const old = await stateDigest(views.reader)
    const broken = {
      ...views.log,
      fetchSince: (after: number, limit: number) =>
        after > 150 ? Promise.reject(new Error('the disk is gone')) : views.log.fetchSince(after, limit),
    }
    await expect(replay(broken, views.writer, { reset: true })).rejects.toThrow('the disk is gone')
    expect(await stateDigest(views.reader)).toEqual(old)
  })

  it('leaves the old state when it is aborted half way', async () => {
    await using views = await openTestViews()
    await views.show(...randomHistory({ seed: 4, length: 300 }))
    const old = await stateDigest(views.reader)
    const abort = new AbortController()
    const log = {
      ...views.log,
      fetchSince(after: number, limit: number) {
        if (after > 0) abort.abort(new Error('enough'))
        return views.log.fetchSince(after, limit)
      },
    }
    await expect(replay(log, views.writer, { reset: true, signal: abort.signal })).rejects.toThrow('enough')
    expect(await stateDigest(views.reader)).toEqual(old)
  })

  it('reads the log as the role that writes the views', async () => {
    await using views = await openTestViews()
    await views.append([created(newPackageId())])
    const projector = views.database.poolFor('projector')
    expect(await replay(postgresLogReader(projector), createViewWriter(projector), { reset: true })).toBe(1)
  })
})

function byKey<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row> {
  return new Map(rows.map(row => [key(row), row]))
}
