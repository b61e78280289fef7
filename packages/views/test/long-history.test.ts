import { catalogue } from '@artifact-store/core'
import { randomHistory } from '@artifact-store/testkit'
import { accessTokens, artifactPackages, blobs, packageFiles, replay, retentionState, stateDigest } from '@artifact-store/views'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

function byKey<Row>(rows: readonly Row[], key: (row: Row) => string): Map<string, Row> {
  return new Map(rows.map(row => [key(row), row]))
}
