import { blake3 } from '@artifact-store/core'
import type { ProcessRole } from '@artifact-store/testkit'
import { describe, expect, it } from 'vitest'
import { testAppend, testEvent } from './test-event.ts'
import { inTransaction, useTestLog } from './test-log.ts'

const test = await useTestLog()

const changes = [
  'update log.events set actor = actor',
  'update log.events set actor = actor where false',
  'delete from log.events',
  'truncate log.events',
  "update log.events_1 set actor = 'x'",
  'delete from log.events_1',
  'truncate log.events_1',
  "insert into log.events select * from log.events on conflict (sequence) do update set actor = 'x'",
  "merge into log.events e using (values (1)) v(s) on e.sequence = v.s when matched then update set actor = 'x'",
]

describe('the database itself', () => {
  it.each(changes)('refuses to everyone, its owner and superusers too: %s', async change => {
    await test.log.append(testAppend(testEvent()))
    await expect(test.database.pool.query(change)).rejects.toThrow(
      /the event log is append-only: (UPDATE|DELETE|TRUNCATE) on log\.events(_1)? is refused/,
    )
    expect(await test.log.fetchSince(0, 10)).toMatchObject([{ sequence: 1, actor: 'tester' }])
  })

  it('keeps the list of archived segments as it is, too', async () => {
    for (const change of ['update log.segments set bytes = 1', 'delete from log.segments', 'truncate log.segments'])
      await expect(test.database.pool.query(change)).rejects.toThrow('on log.segments is refused')
  })

  it('refuses it also where ordinary triggers are switched off', async () => {
    await test.log.append(testAppend(testEvent()))
    const change = inTransaction(test.database.pool, async client => {
      await client.query('set local session_replication_role = replica')
      await client.query('delete from log.events')
    })
    await expect(change).rejects.toThrow('the event log is append-only')
  })

  it('holds sequences, revisions and seals unique against our own mistakes', async () => {
    await test.log.append(testAppend([testEvent({ id: 'a' }), testEvent({ id: 'b', type: 'v1.package.finalized' })]))
    const insert = (sequence: number, revision: number, type: string, id: string) =>
      test.database.pool.query(
        `insert into log.events values ($1, $2, now(), $3, 'package', $4, 'x', '{}', decode(repeat('00', 32), 'hex'))`,
        [sequence, revision, type, id],
      )
    await expect(insert(1, 9, 'v1.test.happened', 'new')).rejects.toThrow('events_1_pkey')
    await expect(insert(3, 1, 'v1.test.happened', 'a')).rejects.toThrow('events_1_subject')
    await expect(insert(3, 2, 'v1.package.discarded', 'b')).rejects.toThrow('events_1_seal')
    await expect(insert(0, 1, 'v1.test.happened', 'new')).rejects.toThrow('no partition of relation "events" found')
  })

  it.each(['no json', '[]', '"text"', '{"a":"\\u0000"}'])(
    'refuses a payload that is not a JSON object which can be read: %s',
    async payload => {
      const event = { ...testEvent(), payloadJson: payload, payloadDigest: blake3(payload) }
      await expect(test.log.append(testAppend(event))).rejects.toMatchObject({ kind: 'invalid-request' })
      expect(await test.log.head()).toBe(0)
    },
  )
})

describe('the grants', () => {
  const insert = `insert into log.events values (1, 1, now(), 'v1.test.happened', 'package', 'x', 'x', '{}', decode(repeat('00', 32), 'hex'))`
  const append = `select * from log.append_batch('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`
  const appendHere = `select log.append('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`
  const appendOne = `select log.append_one('package', 'x', 0, false, 'v1.test.happened', 'x', '{}', '', null)`
  const insertSubject = `insert into log.subjects values ('x', 'package', 1, false)`
  const insertPartition = 'insert into log.partitions values (0, 0, 0)'
  const everyone: ProcessRole[] = ['log_writer', 'projector', 'gateway']
  const refused: [ProcessRole, string][] = [
    ...everyone.flatMap((role): [ProcessRole, string][] =>
      [...changes.slice(0, 7), insert, insertSubject, insertPartition].map(sql => [role, sql]),
    ),
    ...[append, appendHere, appendOne].flatMap((sql): [ProcessRole, string][] => [
      ['projector', sql],
      ['gateway', sql],
    ]),
    ['projector', 'select log.carry_subjects()'],
    ['gateway', 'select log.keep_partitions_ahead()'],
    ['log_writer', 'select log.add_partition()'],
    ...everyone.map((role): [ProcessRole, string] => [role, 'select log.attach_partition(1)']),
    ['projector', "select log.record_segment(1, 1, '', 1, 1, '', '')"],
    ['gateway', 'select log.detach_partition(1)'],
    ['projector', "select log.drop_partition(1, '0')"],
    ['log_writer', `insert into log.segments values (1, 1, '', 1, 1, '{}', '')`],
    ['log_writer', 'alter table log.events detach partition log.events_1'],
    ['log_writer', 'drop table log.events_1'],
    ['log_writer', 'update log.partitions set stays = true'],
    ['log_writer', `create or replace function log.append_one() returns void language sql return 1`],
    ['log_writer', 'insert into log.events_1 select * from log.events'],
    ['gateway', 'drop table log.events'],
    ['log_writer', 'alter table log.events disable trigger all'],
    ['log_writer', 'create table log.more (x int)'],
    ['log_writer', 'set session_replication_role = replica'],
  ]

  it.each(refused)('refuse to %s: %s', async (role, sql) => {
    await expect(test.database.poolFor(role).query(sql)).rejects.toThrow(/permission denied|must be owner/)
  })

  it.each(everyone)('let %s read events', async role => {
    await test.log.append(testAppend(testEvent()))
    expect((await test.database.poolFor(role).query('select sequence from log.readable_events')).rows).toEqual([
      { sequence: '1' },
    ])
  })

  it('let the log-writer append, and by the functions for that only', async () => {
    expect((await test.pool.query('select current_user as role')).rows).toEqual([{ role: 'log_writer' }])
    expect(await test.log.append(testAppend(testEvent()))).toMatchObject({ outcome: 'appended' })
  })
})
