import { type Digest, newPackageId, type PackageId, type Sha256Digest } from '@artifact-store/core'
import { packageFiles } from '@artifact-store/views'
import { beforeEach, describe, expect, it } from 'vitest'
import { createRowStore } from '../src/row-store.ts'
import { file } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const pool = views.database.poolFor('projector')
const [a, b] = [newPackageId(), newPackageId()]

beforeEach(async () => {
  const store = createRowStore(packageFiles)
  for (const id of [a, b]) for (const path of ['1', '2', '3']) store.put(row(id, path))
  await store.flush(pool)
})

describe('the rows of a batch', () => {
  it('are read with the keys that were named, and only with these', async () => {
    const store = createRowStore(packageFiles)
    await store.load(pool, [
      [a, '1'],
      [a, '1'],
      [b, '4'],
    ])
    expect(store.get(a, '1')).toEqual(row(a, '1'))
    expect(store.get(b, '4')).toBeUndefined()
    expect(store.get(a, '2')).toBeUndefined()
    await store.flush(pool)
    expect(await paths()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  })

  it('are seen as the batch has changed them', async () => {
    const store = createRowStore(packageFiles)
    await store.load(pool, [[a, '1']])
    store.put({ ...row(a, '1'), size: 10 })
    expect(store.get(a, '1')).toMatchObject({ size: 10 })
    store.delete(a, '1')
    expect(store.get(a, '1')).toBeUndefined()
    store.put({ ...row(a, '1'), size: 11 })
    expect(store.get(a, '1')).toMatchObject({ size: 11 })
    store.deleteAll(a)
    expect(store.get(a, '1')).toBeUndefined()
  })

  it('are written as the last change of each left them', async () => {
    const store = createRowStore(packageFiles)
    store.put({ ...row(a, '1'), size: 1 })
    store.put({ ...row(a, '1'), size: 2 })
    store.put(row(a, '4'))
    store.delete(a, '4')
    store.delete(a, '2')
    store.put(row(a, '2'))
    store.delete(a, '3')
    store.delete(b, 'never was')
    await store.flush(pool)
    expect(await paths()).toEqual(['a1', 'a2', 'b1', 'b2', 'b3'])
    expect((await pool.query('select size from views.package_files where package_id = $1 and path = $2', [a, '1'])).rows).toEqual(
      [{ size: '2' }],
    )
  })

  it('are gone by a prefix, and those that came behind it are there', async () => {
    const store = createRowStore(packageFiles)
    store.put(row(a, '0'))
    store.deleteAll(a)
    store.put(row(a, '9'))
    store.put(row(a, '2'))
    await store.flush(pool)
    expect(await paths()).toEqual(['a2', 'a9', 'b1', 'b2', 'b3'])
  })

  it('are gone by several prefixes, again and again', async () => {
    const store = createRowStore(packageFiles)
    store.deleteAll(a)
    store.deleteAll(b)
    store.put(row(b, '1'))
    store.deleteAll(b)
    await store.flush(pool)
    expect(await paths()).toEqual([])
  })

  it('are not gone by what only looks like a prefix', async () => {
    const store = createRowStore(packageFiles)
    store.put(row(a, '10'))
    store.deleteAll(a, '1')
    await store.flush(pool)
    expect(await paths()).toEqual(['a10', 'a2', 'a3', 'b1', 'b2', 'b3'])
  })

  it('begin anew after they were written', async () => {
    const store = createRowStore(packageFiles)
    store.deleteAll(a)
    await store.flush(pool)
    store.put(row(a, '5'))
    await store.flush(pool)
    expect(await paths()).toEqual(['a5', 'b1', 'b2', 'b3'])
  })
})

function row(packageId: PackageId, path: string) {
  return { packageId, ...file(path), size: 5, addedSequence: 7 } satisfies { digest: Digest; sha256: Sha256Digest } & Record<
    string,
    unknown
  >
}

async function paths(): Promise<string[]> {
  const { rows } = await pool.query<{ package_id: string; path: string }>('select package_id, path from views.package_files')
  return rows.map(found => `${found.package_id === a ? 'a' : 'b'}${found.path}`).sort()
}
