import { createTestDatabase, type TestDatabase } from '@artifact-store/testkit'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inPipelinedTransaction } from '../src/pipeline.ts'

let database: TestDatabase
let pool: Pool
beforeAll(async () => {
  database = await createTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  await database.pool.query('drop table if exists notes; create table notes (number integer unique)')
  pool = new Pool({ connectionString: database.url, max: 1, application_name: 'pipelined' })
  pool.on('error', () => undefined)
})
afterEach(() => pool.end())

const insert = (number: number) => ({ name: 'insert', text: 'insert into notes values ($1)', values: [number] })
const numbers = async () => (await pool.query('select number from notes order by number')).rows.map(({ number }) => number)

const unlimited = { idleLimitMs: 0, planned: 'once' } as const

describe('a pipelined transaction', () => {
  it('commits all that it sent, in the order of sending, whether or not anybody waited for it', async () => {
    const answer = await inPipelinedTransaction(pool, unlimited, async pipeline => {
      for (let number = 0; number < 100; number++) void pipeline.query(insert(number))
      const { rows } = await pipeline.query<{ count: number }>({ text: 'select count(*)::integer as count from notes' })
      void pipeline.query({ text: 'delete from notes where number >= 3' })
      return rows[0]?.count
    })
    expect(answer).toBe(100)
    expect(await numbers()).toEqual([0, 1, 2])
  })

  it('keeps nothing when one of its statements fails, and tells what that one failed with', async () => {
    const broken = { text: 'select 1 / $1::integer', values: [0] }
    const unasked = inPipelinedTransaction(pool, unlimited, async pipeline => {
      void pipeline.query(insert(1))
      void pipeline.query(broken)
      void pipeline.query(insert(2))
    })
    await expect(unasked).rejects.toMatchObject({ code: '22012' })
    const asked = inPipelinedTransaction(pool, unlimited, async pipeline => {
      void pipeline.query(broken)
      // It would say itself that the transaction is aborted, which is true and no help.
      await expect(pipeline.query(insert(1))).rejects.toMatchObject({ code: '22012' })
      return 'never mind'
    })
    await expect(asked).rejects.toMatchObject({ code: '22012' })
    expect(await numbers()).toEqual([])
  })

  it('keeps nothing when the work throws', async () => {
    const failing = inPipelinedTransaction(pool, unlimited, async pipeline => {
      void pipeline.query(insert(1))
      throw new RangeError('changed my mind')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(await numbers()).toEqual([])
  })

  it('leaves the connection as it was, and throws one away that was cut', async () => {
    await inPipelinedTransaction(pool, unlimited, async () => undefined)
    const client = await pool.connect()
    expect(client.pipeline).toBe(false)
    const { rows } = await client.query('show enable_seqscan')
    expect(rows).toEqual([{ enable_seqscan: 'on' }])
    client.release()
    const cut = inPipelinedTransaction(pool, unlimited, async pipeline => {
      void pipeline.query(insert(1))
      await pipeline.query({ text: 'select pg_terminate_backend(pg_backend_pid())' })
    })
    await expect(cut).rejects.toMatchObject({ code: '57P01' })
    expect(await numbers()).toEqual([])
  })

  it('is given up by the server when it is silent for too long, so that others get what it has locked', async () => {
    const silent = inPipelinedTransaction(pool, { idleLimitMs: 50, planned: 'once' }, async pipeline => {
      await pipeline.query(insert(1))
      const { promise, reject } = Promise.withResolvers<never>()
      pool.once('error', reject)
      // Waits until it is there, as its own is not committed, or its transaction has ended.
      await database.pool.query('insert into notes values (1)')
      await pipeline.query(insert(2))
      return promise
    })
    await expect(silent).rejects.toThrow()
    expect(await numbers()).toEqual([1])
  })
})
