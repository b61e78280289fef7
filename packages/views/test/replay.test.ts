import { newPackageId } from '@artifact-store/core'
import { postgresLogReader } from '@artifact-store/log'
import { randomHistory } from '@artifact-store/testkit'
import { createViewWriter, findPackage, listFiles, replay, stateDigest } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { added, created, file, finalized, unknownEvent } from './events.ts'
import { dumpViews, useTestViews } from './test-views.ts'

const views = await useTestViews()

describe('replay', () => {
  it('takes a package from created to finalized', async () => {
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
    expect(await replay(views.log, views.writer, { reset: true })).toBe(0)
    expect(await replay(views.log, views.writer, { reset: false })).toBe(0)
    expect(await views.writer.position()).toBe(0)
  })

  it('passes over unknown types: nothing but the checkpoint moves', async () => {
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
    const [first, second] = [newPackageId(), newPackageId()]
    await views.show(created(first))
    await views.database.pool.query(`update views.artifact_packages set producer = 'was here before'`)
    await views.append([created(second)])
    expect(await replay(views.log, views.writer, { reset: false })).toBe(2)
    expect(await findPackage(views.db, first)).toMatchObject({ producer: 'was here before' })
    expect(await findPackage(views.db, second)).toBeDefined()
  })

  it('with reset makes anew what had been changed, lost or added', async () => {
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
    await views.append([created(newPackageId())])
    const projector = views.database.poolFor('projector')
    expect(await replay(postgresLogReader(projector), createViewWriter(projector), { reset: true })).toBe(1)
  })
})
