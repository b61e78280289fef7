import { randomUUID } from 'node:crypto'
import { blake3, type NewEvent, newPackageId } from '@artifact-store/core'
import { createTestDatabase, randomHistory, type TestDatabase } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import {
  appendBurst,
  expectFreshReplayEqual,
  metricsOf,
  positionOf,
  startProjector,
  untilAt,
  untilReadiness,
} from './test-projector.ts'

const good = randomHistory({ seed: 7, length: 100 })

describe('an event that cannot be applied', () => {
  it('stops the projection right before it, loudly, until what it meets is mended', async () => {
    await using database = await createTestDatabase()
    // A blob without its SHA-256: no version of ours writes it, and the view has no row for it.
    const poison = event('v1.blob.stored', 'blob', `blake3:${'0'.repeat(64)}`, { digest: `blake3:${'0'.repeat(64)}`, size: 1 })
    await append(database, [...good.slice(0, 33), poison, ...good.slice(33)])
    await using projector = await startProjector(database.urlFor('projector'), { PROJECTOR_BATCH: '1000' }, 'listening')

    await untilReadiness(projector, {
      http: 503,
      status: 'unready',
      checks: {
        postgres: { ok: true },
        projection: { ok: false, detail: expect.stringMatching(/event 34 \(v1\.blob\.stored\) cannot be applied/) },
      },
    })
    // It is told as soon as it is found, and what stands before it is written in pieces that may take longer.
    await untilAt(projector, 33)
    expect(await positionOf(projector)).toMatchObject({ position: 33, lag: 68 })
    expect(await metricsOf(projector)).toMatchObject({ 'artifact_store_projection_stopped{kind="poison-event"}': 1 })
    const told = projector.lines.filter(line => line.includes('"level":"error"'))
    expect(told).toHaveLength(1)
    expect(JSON.parse(told[0] ?? '')).toMatchObject({
      sequence: 34,
      eventType: 'v1.blob.stored',
      err: { message: expect.stringContaining('sha256') },
    })
    expect((await database.pool.query('select count(*)::integer as blobs from views.blobs')).rows).toEqual([
      { blobs: good.slice(0, 33).filter(({ eventType }) => eventType === 'v1.blob.stored').length },
    ])

    await database.pool.query('alter table views.blobs alter sha256 drop not null')
    await untilAt(projector, 101)
    await untilReadiness(projector, { http: 200, checks: { projection: { ok: true, detail: 'views at 101' } } })
    expect(await metricsOf(projector)).toMatchObject({ 'artifact_store_projection_stopped{kind="poison-event"}': 0 })
    expect(await projector.stop()).toBe(0)
    await expectFreshReplayEqual(database.pool)
  })

  it('names itself, whatever is wrong with it, and may be passed over by hand', async () => {
    await using database = await createTestDatabase()
    await append(database, [
      ...good.slice(0, 1),
      event('v1.package.files-added', 'package', newPackageId(), { files: 7 }),
      event('v1.blob.stored', 'blob', 'x', { digest: 'x', sha256: 'y', size: 'many' }),
      event('v1.package.linked', 'package', 'no package id', {}),
      ...good.slice(1),
    ])
    await using projector = await startProjector(database.urlFor('projector'), {}, 'listening')
    for (const named of ['event 2 (v1.package.files-added)', 'event 3 (v1.blob.stored)', 'event 4 (v1.package.linked)']) {
      await untilReadiness(projector, {
        http: 503,
        checks: { projection: { detail: expect.stringContaining(`${named} cannot be applied`) } },
      })
      await database.pool.query('update views.checkpoints set position = position + 1')
    }
    await untilAt(projector, 103)
    await untilReadiness(projector, { http: 200 })
    expect(await projector.stop()).toBe(0)
  })

  it('is told from views that nothing can be written to', async () => {
    await using database = await createTestDatabase()
    await database.pool.query('revoke insert on all tables in schema views from projector')
    await append(database, good.slice(0, 20))
    await using projector = await startProjector(database.urlFor('projector'), {}, 'listening')
    await untilReadiness(projector, {
      http: 503,
      checks: { projection: { ok: false, detail: expect.stringContaining('the views cannot be moved') } },
    })
    await database.pool.query('grant insert on all tables in schema views to projector')
    await untilAt(projector, 20)
    await untilReadiness(projector, { http: 200 })
  })
})

/** What only somebody who goes around the log-writer can append: the log itself does not look at types. */
function event(eventType: string, subjectKind: string, subjectId: string, payload: object): NewEvent {
  const payloadJson = JSON.stringify(payload)
  return { eventType, subjectKind, subjectId, actor: randomUUID(), payloadJson, payloadDigest: blake3(payloadJson) }
}

function append(database: TestDatabase, events: readonly NewEvent[]): Promise<void> {
  return appendBurst(database.poolFor('log_writer'), events, events.length)
}
