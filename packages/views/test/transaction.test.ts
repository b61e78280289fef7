import { createTestDatabase, type TestDatabase } from '@artifact-store/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inTransaction } from '../src/transaction.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())

function openPool(url: string, max = 10): Pool & AsyncDisposable {
  const pool = new Pool({ connectionString: url, max })
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() })
}

describe('a transaction', () => {
  it('keeps what was written when the work succeeds, and nothing when it throws', async () => {
    await using pool = openPool(database.url, 1)
    await pool.query('create table notes (text text)')
    expect(
      await inTransaction(pool, async client => (await client.query("insert into notes values ('kept') returning text")).rows),
    ).toEqual([{ text: 'kept' }])
    const failing = inTransaction(pool, async client => {
      await client.query("insert into notes values ('lost')")
      throw new RangeError('changed my mind')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect((await pool.query('select text from notes')).rows).toEqual([{ text: 'kept' }])
  })

  it('throws the first error and a broken connection away', async () => {
    await using pool = openPool(database.url, 1)
    const failing = inTransaction(pool, async client => {
      await client.query('select pg_terminate_backend(pg_backend_pid())')
    })
    await expect(failing).rejects.toMatchObject({ code: '57P01' })
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('can be opened as what is needed', async () => {
    await using pool = openPool(database.url)
    const writing = inTransaction(pool, client => client.query('create table t ()'), 'begin read only')
    await expect(writing).rejects.toMatchObject({ code: '25006' })
  })
})
