import { newPackageId, parsePackageVersion, parseSha256 } from '@artifact-store/core'
import { findPackage, findRetention, listFiles } from '@artifact-store/views'
import { describe, expect, it } from 'vitest'
import { added, created, digestOf, event, file, finalized, removed } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const filesOf = (id: Parameters<typeof listFiles>[1]) => listFiles(views.db, id, { limit: 1000 })

describe('a package', () => {
  it('is there as it was created', async () => {
    const id = newPackageId()
    const inputs = [{ uri: 'git+https://example.com/x', digest: parseSha256(`sha256:${'0'.repeat(64)}`) }, { uri: 'NULL' }]
    const labels = { 'os/arch': 'linux "x64"', empty: '' }
    const [, stored] = await views.show(
      created(newPackageId()),
      created(id, { name: 'ci/nightly', version: parsePackageVersion('1.0'), producer: '{job,\\42}', labels, inputs }),
    )
    expect(await findPackage(views.db, id)).toEqual({
      packageId: id,
      name: 'ci/nightly',
      version: '1.0',
      kind: 'evidence',
      producer: '{job,\\42}',
      labels,
      inputs,
      state: 'open',
      revision: 1,
      createdAt: stored?.createdAt,
      createdBy: 'ci',
      createdSequence: 2,
      updatedAt: stored?.createdAt,
      fileCount: 0,
      totalSize: 0,
      finalizedAt: null,
      manifestDigest: null,
      manifestSha256: null,
      manifestSize: null,
      configDigest: null,
      configSha256: null,
      configSize: null,
      closingReason: null,
    })
  })

  it('has no version and no producer where none was given', async () => {
    const id = newPackageId()
    await views.show(created(id))
    expect(await findPackage(views.db, id)).toMatchObject({ version: null, producer: null, labels: {}, inputs: [] })
  })

  it('counts its files and their bytes, over several events on it in one batch and over batches', async () => {
    const id = newPackageId()
    const [a, b, c] = [file('a', 'aaa'), file('b', 'bb'), file('c', '')]
    await views.show(created(id), added(id, a, b), removed(id, a), added(id, c), added(id, a))
    expect(await findPackage(views.db, id)).toMatchObject({ fileCount: 3, totalSize: 5, revision: 5 })
    await views.show(removed(id, b), removed(id, c))
    expect(await findPackage(views.db, id)).toMatchObject({ fileCount: 1, totalSize: 3, revision: 7 })
    expect(await filesOf(id)).toEqual([a])
  })

  it('counts bytes beyond four gigabytes', async () => {
    const id = newPackageId()
    const large = (path: string) => ({ ...file(path), size: 2 ** 50 })
    await views.show(created(id), added(id, large('a'), large('b')), added(id, large('c')))
    expect(await findPackage(views.db, id)).toMatchObject({ fileCount: 3, totalSize: 3 * 2 ** 50 })
  })

  it('has other bytes at a path after a file was removed and added anew, in one batch too', async () => {
    const [one, other] = [newPackageId(), newPackageId()]
    const [old, fresh] = [file('a', 'old'), file('a', 'fresh')]
    await views.show(created(one), added(one, old), removed(one, old), added(one, fresh), created(other), added(other, old))
    expect(await filesOf(one)).toEqual([fresh])
    expect(await filesOf(other)).toEqual([old])
  })

  it('keeps its seal once it is finalized', async () => {
    const id = newPackageId()
    const files = [file('a')]
    const [, , sealed] = await views.show(created(id), added(id, ...files), finalized(id, files))
    expect(await findPackage(views.db, id)).toMatchObject({
      state: 'finalized',
      finalizedAt: sealed?.createdAt,
      manifestDigest: digestOf('manifest'),
      manifestSize: 8,
      configDigest: digestOf('config'),
      configSize: 6,
      fileCount: 1,
      totalSize: 1,
    })
    expect(await filesOf(id)).toEqual(files)
  })

  it('has neither files nor retention once it is discarded, whatever else the batch holds', async () => {
    const [id, other] = [newPackageId(), newPackageId()]
    await views.show(created(id), created(other), added(id, file('a')), added(other, file('a')))
    await views.show(added(id, file('b')), event('v1.package.discarded', id, { reason: 'a mistake' }), added(other, file('b')))
    expect(await findPackage(views.db, id)).toMatchObject({
      state: 'discarded',
      closingReason: 'a mistake',
      fileCount: 0,
      totalSize: 0,
    })
    expect(await filesOf(id)).toEqual([])
    expect(await findRetention(views.db, id)).toBeUndefined()
    expect((await filesOf(other)).map(({ path }) => path)).toEqual(['a', 'b'])
  })

  it('may be discarded without a reason, in the batch that created it', async () => {
    const id = newPackageId()
    await views.show(created(id), added(id, file('a')), event('v1.package.discarded', id, {}))
    expect(await findPackage(views.db, id)).toMatchObject({ state: 'discarded', closingReason: null })
    expect(await filesOf(id)).toEqual([])
  })

  it('leaves a tombstone when it is deleted: what it was and why it went, without its files', async () => {
    const id = newPackageId()
    const files = [file('a'), file('b')]
    await views.show(created(id), added(id, ...files), finalized(id, files))
    await views.show(event('v1.package.deleted', id, { reason: 'too old' }))
    expect(await findPackage(views.db, id)).toMatchObject({
      state: 'deleted',
      closingReason: 'too old',
      fileCount: 2,
      totalSize: 2,
      manifestDigest: digestOf('manifest'),
    })
    expect(await filesOf(id)).toEqual([])
    expect(await findRetention(views.db, id)).toBeUndefined()
  })

  it('gets labels, loses labels, and keeps the others', async () => {
    const id = newPackageId()
    await views.show(created(id, { labels: { a: '1', b: '2', c: '3' } }))
    await views.show(
      event('v1.package.labelled', id, { set: { a: '10', d: '4' }, remove: ['b', 'never-was'] }),
      event('v1.package.labelled', id, { set: {}, remove: ['d'] }),
      // What is set and removed by one event is set.
      event('v1.package.labelled', id, { set: { c: '30' }, remove: ['c'] }),
    )
    expect(await findPackage(views.db, id)).toMatchObject({ labels: { a: '10', c: '30' }, revision: 4 })
  })
})
