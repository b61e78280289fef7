import { write } from '@artifact-store/log'
import { beforeAll, describe, expect, it } from 'vitest'
import { subject, testAppend, testEvent } from './test-event.ts'
import { inTransaction, useTestLog } from './test-log.ts'

const test = await useTestLog()

beforeAll(async () => {
  await test.database.pool.query('create table notes (text text); grant all on notes to log_writer')
})

async function notes(): Promise<string[]> {
  const { rows } = await test.pool.query<{ text: string }>('select text from notes order by text')
  return rows.map(row => row.text)
}

describe('write, in the transaction of its caller', () => {
  it('commits the event together with what the caller wrote', async () => {
    await inTransaction(test.pool, async client => {
      await client.query("insert into notes values ('kept')")
      expect(await write(client, testEvent())).toMatchObject({ outcome: 'appended', firstSequence: 1, lastSequence: 1 })
      expect(await test.log.head()).toBe(0)
    })
    expect(await test.log.head()).toBe(1)
    expect(await notes()).toEqual(['kept'])
  })

  it('leaves neither an event nor a hole when the caller rolls back', async () => {
    await test.log.append(testAppend(testEvent()))
    await inTransaction(
      test.pool,
      async client => {
        await client.query("insert into notes values ('rolled back')")
        expect(await write(client, [testEvent(), testEvent()])).toMatchObject({ firstSequence: 2, lastSequence: 3 })
      },
      { end: 'rollback' },
    )
    expect(await test.log.head()).toBe(1)
    expect(await notes()).not.toContain('rolled back')
    expect(await test.log.append(testAppend(testEvent()))).toMatchObject({ firstSequence: 2 })
  })

  it('sees what the same transaction wrote before', async () => {
    await inTransaction(test.pool, async client => {
      await write(client, testEvent())
      expect(await write(client, testEvent(), { conditions: [{ subject: subject(), revision: 1 }] })).toMatchObject({
        firstSequence: 2,
      })
    })
    expect((await test.log.fetchSince(0, 10)).map(e => e.subjectRevision)).toEqual([1, 2])
  })

  it('answers a conflict and has then written nothing', async () => {
    await inTransaction(test.pool, async client => {
      const outcome = await write(client, [testEvent({ id: 'a' }), testEvent({ id: 'b' })], {
        conditions: [{ subject: subject('b'), revision: 7 }],
      })
      expect(outcome).toMatchObject({ outcome: 'conflict', currentRevision: 0 })
    })
    expect(await test.log.head()).toBe(0)
  })

  it('happens once for a key', async () => {
    const once = () => inTransaction(test.pool, client => write(client, testEvent(), { key: 'the only one' }))
    expect(await once()).toMatchObject({ outcome: 'appended' })
    expect(await once()).toMatchObject({ outcome: 'repeated', firstSequence: 1 })
    expect(await test.log.append(testAppend(testEvent(), { key: 'the only one' }))).toMatchObject({ outcome: 'repeated' })
  })

  it('shares the log’s order with the appends of a log-writer', async () => {
    const client = await test.pool.connect()
    await client.query('begin')
    expect(await write(client, testEvent({ id: 'first' }))).toMatchObject({ firstSequence: 1 })
    const behind = test.log.append(testAppend(testEvent({ id: 'second' })))
    await client.query('commit')
    client.release()
    expect(await behind).toMatchObject({ firstSequence: 2 })
  })

  it.each(['repeatable read', 'serializable'])('is refused under %s, whose snapshot is older than the lock', async isolation => {
    const refused = inTransaction(test.pool, client => write(client, testEvent()), {
      begin: `begin transaction isolation level ${isolation}`,
    })
    await expect(refused).rejects.toThrow(`log.append needs a READ COMMITTED transaction, this one is ${isolation}`)
    expect(await test.log.head()).toBe(0)
  })

  it('makes the commit wait for the disk even where the caller would not', async () => {
    await inTransaction(test.pool, async client => {
      await client.query('set local synchronous_commit = off')
      await write(client, testEvent())
      expect((await client.query('show synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }])
    })
  })

  it('refuses what the log cannot hold', async () => {
    const refused = inTransaction(test.pool, client => write(client, testEvent({ payload: { text: '\u0000' } })))
    await expect(refused).rejects.toMatchObject({
      kind: 'invalid-request',
      message: expect.stringContaining('cannot be converted to text'),
    })
    const digest = testEvent({ payload: { other: true } }).payloadDigest
    const forged = inTransaction(test.pool, client => write(client, { ...testEvent(), payloadDigest: digest }))
    await expect(forged).rejects.toMatchObject({ kind: 'digest-mismatch' })
  })
})
