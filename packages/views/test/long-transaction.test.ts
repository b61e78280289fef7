import { randomUUID } from 'node:crypto'
import { newPackageId } from '@artifact-store/core'
import {
  createBell,
  eventSource,
  logChannel,
  openJetStream,
  openPostgresLog,
  postgresLogReader,
  runRelay,
  tail,
  tailBatches,
  write,
} from '@artifact-store/log'
import { createTestDatabase, longTransaction, startTestNats, type TestDatabase } from '@artifact-store/testkit'
import { createViewWriter, stateDigest, viewsPosition } from '@artifact-store/views'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { added, created, file } from './events.ts'
import { openTestViews } from './test-views.ts'

const writers = 8
const appendsEach = 25
const total = writers * appendsEach

describe('a transaction that has written and another with an old snapshot, open in the same database all the while', () => {
  it('hold up nobody: not the writers, not a tail, not the projection, not the relay', async () => {
    await using database = await createTestDatabase()
    await using nats = await startTestNats()
    await createPeerLog(database)
    await using long = await longTransaction(database.url)
    const stop = new AbortController()
    const seen = startTail(database)
    const projected = project(database, stop.signal)
    const relayed = relay(database, nats.url, stop.signal)

    await Promise.all(Array.from({ length: writers }, (_, writer) => writeALot(database, writer)))

    expect(await postgresLogReader(database.poolFor('gateway')).head()).toBe(total)
    expect(await seen).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    await expect.poll(() => viewsPosition(database.poolFor('gateway')), { timeout: 20_000 }).toBe(total)
    await relayed.reached(total)
    await long.stillOpen()

    // What readers of peers see at this moment: all of it is committed, and none of it may be read yet.
    expect(await peerRows(database)).toBe(total)
    expect(await peerRead(database)).toEqual([])
    await long[Symbol.asyncDispose]()
    // Others in the cluster have transactions too, which end.
    await expect.poll(() => peerRead(database)).toHaveLength(total)

    stop.abort()
    await Promise.all([projected, relayed.ended])
    await expectFreshReplayEqual(database)
  })
})

/** Half of them through a log-writer each, the others in transactions of their own. Each append goes into the peer's log as well. */
async function writeALot(database: TestDatabase, writer: number): Promise<void> {
  const pool = database.poolFor('log_writer')
  const log = openPostgresLog(pool)
  for (let i = 0; i < appendsEach; i += 1) {
    const id = newPackageId()
    const event = i % 2 === 0 ? created(id) : added(id, file(`${writer}/${i}`))
    if (writer % 2 === 0) {
      await log.append({ key: randomUUID(), conditions: [], events: [event] })
      await database.pool.query('insert into peer.messages (marker) values ($1)', [event.subjectId])
    } else {
      const client = await database.pool.connect()
      try {
        await client.query('begin')
        await client.query('insert into peer.messages (marker) values ($1)', [event.subjectId])
        await write(client, event)
        await client.query('commit')
      } finally {
        client.release()
      }
    }
  }
}

/** @returns the sequences that a tail has seen when it has seen them all. */
async function startTail(database: TestDatabase): Promise<number[]> {
  const bell = createBell()
  const client = new Client({ connectionString: database.urlFor('gateway') })
  client.on('notification', () => bell.ring())
  await client.connect()
  await client.query(`listen ${logChannel}`)
  const sequences: number[] = []
  for await (const { sequence } of tail(postgresLogReader(database.poolFor('gateway')), { bell })) {
    sequences.push(sequence)
    if (sequences.length === total) break
  }
  await client.end()
  return sequences
}

async function project(database: TestDatabase, signal: AbortSignal): Promise<void> {
  const pool = database.poolFor('projector')
  const writer = createViewWriter(pool)
  for await (const batch of tailBatches(postgresLogReader(pool), { signal, pollMs: 5 })) await writer.apply(batch)
}

function relay(database: TestDatabase, url: string, signal: AbortSignal) {
  const stream = openJetStream({ url, source: eventSource })
  const changed = createBell()
  let position = 0
  const log = postgresLogReader(database.poolFor('log_writer'))
  const ended = runRelay({
    log,
    stream,
    bell: createBell(),
    signal,
    pollMs: 5,
    onState({ streamSequence }) {
      position = streamSequence
      changed.ring()
    },
  }).finally(() => stream[Symbol.asyncDispose]())
  return {
    ended,
    async reached(sequence: number): Promise<void> {
      while (position < sequence) await changed.wait(changed.count, 1000)
      expect(await stream.look()).toMatchObject({ lastSequence: sequence })
    },
  }
}

/** A log as peers have it: an identity column, and the transaction beside it. */
async function createPeerLog(database: TestDatabase): Promise<void> {
  await database.pool.query(`create schema peer;
    create table peer.messages (position bigserial primary key, transaction xid8 not null default pg_current_xact_id(), marker text)`)
}

async function peerRows(database: TestDatabase): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>('select count(*) as count from peer.messages')
  return Number(rows[0]?.count)
}

/** Such a reader has to wait for every transaction that is older, lest it leaves an event out that is not committed yet. */
async function peerRead(database: TestDatabase): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    'select position from peer.messages where transaction < pg_snapshot_xmin(pg_current_snapshot()) order by transaction, position',
  )
  return rows
}

async function expectFreshReplayEqual(database: TestDatabase): Promise<void> {
  const live = await stateDigest(database.poolFor('gateway'))
  await using fresh = await openTestViews()
  const reader = postgresLogReader(database.poolFor('gateway'))
  for (let position = 0; position < total; ) position = await fresh.writer.apply(await reader.fetchSince(position, 100))
  expect(await stateDigest(fresh.reader)).toEqual(live)
}
