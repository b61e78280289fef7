import { type Digest, newPackageId, type PackageId, type Sha256Digest } from '@artifact-store/core'
import { packageFiles } from '@artifact-store/views'
import type { QueryConfig } from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { createRowStore as createStore, type RowStore } from '../src/row-store.ts'
import { storedRows } from '../src/stored-rows.ts'
import { file } from './events.ts'
import { useTestViews } from './test-views.ts'

const views = await useTestViews()
const pool = views.database.poolFor('projector')
const [a, b] = [newPackageId(), newPackageId()]
const createRowStore = () => createStore(storedRows(packageFiles))

beforeEach(async () => {
  const store = createRowStore()
  for (const id of [a, b]) for (const path of ['1', '2', '3']) store.put(row(id, path))
  await writeAll(store)
})

describe('the rows of a batch', () => {
  it('are read with the keys that were named, and only with these', async () => {
    const store = createRowStore()
    await store.load(pool, [
      [a, '1'],
      [a, '1'],
      [b, '4'],
    ])
    expect(store.get(a, '1')).toEqual(row(a, '1'))
    expect(store.get(b, '4')).toBeUndefined()
    expect(store.get(a, '2')).toBeUndefined()
    await writeAll(store)
    expect(await paths()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  })

  it('are seen as the batch has changed them', async () => {
    const store = createRowStore()
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
    const store = createRowStore()
    store.put({ ...row(a, '1'), size: 1 })
    store.put({ ...row(a, '1'), size: 2 })
    store.put(row(a, '4'))
    store.delete(a, '4')
    store.delete(a, '2')
    store.put(row(a, '2'))
    store.delete(a, '3')
    store.delete(b, 'never was')
    await writeAll(store)
    expect(await paths()).toEqual(['a1', 'a2', 'b1', 'b2', 'b3'])
    expect(await sizeOf(a, '1')).toBe('2')
  })

  it('are gone by a prefix, and those that came behind it are there', async () => {
    const store = createRowStore()
    store.put(row(a, '0'))
    store.deleteAll(a)
    store.put(row(a, '9'))
    store.put(row(a, '2'))
    await writeAll(store)
    expect(await paths()).toEqual(['a2', 'a9', 'b1', 'b2', 'b3'])
  })

  it('are gone by several prefixes, again and again', async () => {
    const store = createRowStore()
    store.deleteAll(a)
    store.deleteAll(b)
    store.put(row(b, '1'))
    store.deleteAll(b)
    await writeAll(store)
    expect(await paths()).toEqual([])
  })

  it('are not gone by what only looks like a prefix', async () => {
    const store = createRowStore()
    store.put(row(a, '10'))
    store.deleteAll(a, '1')
    await writeAll(store)
    expect(await paths()).toEqual(['a10', 'a2', 'a3', 'b1', 'b2', 'b3'])
  })

  it('may be written again and again', async () => {
    const store = createRowStore()
    store.deleteAll(a)
    await writeAll(store)
    store.put(row(a, '5'))
    store.put(row(b, '5'))
    await writeAll(store)
    store.put({ ...row(a, '5'), size: 50 })
    store.delete(b, '5')
    await writeAll(store)
    expect(await paths()).toEqual(['a5', 'b1', 'b2', 'b3'])
    expect(await sizeOf(a, '5')).toBe('50')
    store.put(row(b, '5'))
    await writeAll(store)
    expect(await paths()).toEqual(['a5', 'b1', 'b2', 'b3', 'b5'])
    expect(store.takeAll()).toEqual([])
  })
})

describe('rows that nothing asks for', () => {
  it('are written and forgotten, and loaded again as they were written', async () => {
    const store = createRowStore()
    await store.load(pool, [[a, '1']])
    store.put({ ...row(a, '1'), size: 10 })
    store.put({ ...row(a, '4'), size: 40 })
    await run(store.takeIdle(1))
    // Both were asked for in the turn that has ended just now.
    expect(store.size).toBe(2)
    expect(await sizeOf(a, '1')).toBe('5')
    await store.load(pool, [[a, '1']])
    await run(store.takeIdle(1))
    expect(store.size).toBe(1)
    expect(await sizeOf(a, '1')).toBe('5')
    expect(await sizeOf(a, '4')).toBe('40')
    await run(store.takeIdle(1))
    expect(store.size).toBe(0)
    expect(await sizeOf(a, '1')).toBe('10')
    await store.load(pool, [
      [a, '1'],
      [a, '4'],
    ])
    expect(store.get(a, '1')).toMatchObject({ size: 10 })
    expect(store.get(a, '4')).toMatchObject({ size: 40 })
  })

  it('are deleted at once, also while others are kept back', async () => {
    const store = createRowStore()
    await store.load(pool, [[a, '1']])
    store.delete(a, '1')
    store.put(row(b, '4'))
    await run(store.takeIdle(1))
    expect(await paths()).toEqual(['a2', 'a3', 'b1', 'b2', 'b3'])
    expect(store.get(a, '1')).toBeUndefined()
  })

  it('stay gone when all that begin alike were deleted, whether they had been written or not', async () => {
    const store = createRowStore()
    store.put(row(a, '7'))
    await run(store.takeIdle(1))
    store.put(row(a, '8'))
    await run(store.takeIdle(1))
    store.deleteAll(a)
    store.put(row(a, '9'))
    await run(store.takeDeletions())
    await store.load(pool, [
      [a, '1'],
      [a, '7'],
      [a, '8'],
    ])
    expect([store.get(a, '1'), store.get(a, '7'), store.get(a, '8')]).toEqual([undefined, undefined, undefined])
    await writeAll(store)
    expect(await paths()).toEqual(['a9', 'b1', 'b2', 'b3'])
  })

  it('are forgotten without being written when the table is emptied', async () => {
    const store = createRowStore()
    store.put(row(a, '7'))
    store.deleteAll(b)
    store.clear()
    expect(store.size).toBe(0)
    expect([...store.takeDeletions(), ...store.takeAll()]).toEqual([])
  })
})

/** Has the database do what the store wants done. */
async function writeAll(store: RowStore): Promise<void> {
  await run(store.takeDeletions())
  await run(store.takeAll())
}

async function run(statements: readonly QueryConfig[]): Promise<void> {
  for (const statement of statements) await pool.query(statement)
}

async function sizeOf(id: PackageId, path: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ size: string }>(
    'select size from views.package_files where package_id = $1 and path = $2',
    [id, path],
  )
  return rows[0]?.size
}

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
